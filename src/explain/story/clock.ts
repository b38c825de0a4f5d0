import type { Moment } from './moment.ts'
import type { Written } from '../envelope/written-time.ts'

const DAY = 86_400_000
const HALF_YEAR = 183 * DAY
/** From the first days of January to the last of December. */
const MOST_OF_A_YEAR = 330 * DAY

/** Gives times of one log the year that they have where it names none. */
export interface Clock {
  read(time: Written | null, uptime: number | null): Moment
}

/**
 * @param now no line was written later
 * @param booted when the machine started that the log is of, for a log that has only times since boot
 */
export function openClock(now: Date, booted: Date | null = null): Clock {
  // A day more: the log may be of a zone where tomorrow has begun.
  const latest = now.getTime() + DAY
  let year: number | null = null
  let last = Number.NEGATIVE_INFINITY
  const log = { yearsTooMany: 0 }

  function withYear(month: number, day: number, ms: number): number {
    year ??= firstYear(month, day, ms)
    let at = Date.UTC(year, month, day) + ms
    if (at < last - HALF_YEAR) at = Date.UTC(++year, month, day) + ms
    // A line of December that comes after the first of January.
    else if (at > last + MOST_OF_A_YEAR && Number.isFinite(last)) return Date.UTC(year - 1, month, day) + ms
    last = Math.max(last, at)
    // Over the turn of a year it shows that the log began a year earlier than was thought.
    while (at - log.yearsTooMany * 365 * DAY > latest) log.yearsTooMany++
    return at
  }

  function firstYear(month: number, day: number, ms: number): number {
    let candidate = now.getUTCFullYear() + 1
    for (;;) {
      candidate--
      const date = new Date(Date.UTC(candidate, month, day) + ms)
      // The 29th of February was in another year.
      if (date.getTime() <= latest && (date.getUTCMonth() === month || day > 29)) return candidate
    }
  }

  return {
    read(time, uptime) {
      if (time === null) {
        const ms = booted === null || uptime === null ? null : booted.getTime() + uptime * 1000
        return { ms, zoned: ms !== null, uptime, log }
      }
      if (time.kind === 'date') return { ms: time.ms, zoned: time.zoned, uptime, log }
      return { ms: withYear(time.month, time.day, time.ms), zoned: false, uptime, log }
    },
  }
}
