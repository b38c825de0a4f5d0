import type { Moment } from './moment.ts'
import type { Written } from '../envelope/written-time.ts'

const DAY = 86_400_000
const HALF_YEAR = 183 * DAY
/** From the first days of January to the last of December. */
const MOST_OF_A_YEAR = 330 * DAY

/** Adds the year to the times of a log that names none. */
export interface Clock {
  read(time: Written | null, uptime: number | null): Moment
}

/** @param now no line was written later */
export function openClock(now: Date, booted: Date | null = null): Clock {
  // Plus one day: the log may be from a zone where tomorrow has begun.
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
    // The turn of a year shows that the log started a year earlier than assumed.
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
