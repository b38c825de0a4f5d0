import type { LogMoment } from './moment.ts'
import type { Written } from '../envelope/written-time.ts'

const DAY_MS = 86_400_000
const HALF_YEAR_MS = 183 * DAY_MS
/** A step forward of more than this is a line of December that was logged after one of January. */
const TURN_OF_YEAR_MS = 330 * DAY_MS

/** Converts the times of one log. Completes those without a year. */
export interface LogClock {
  read(time: Written | null, uptime: number | null): LogMoment
}

/**
 * @param now no line is later than this
 * @param booted when the host booted, to convert times since boot; null if not known
 */
export function openClock(now: Date, booted: Date | null = null): LogClock {
  // One day more, because the log may come from a time zone that is ahead.
  const latest = now.getTime() + DAY_MS
  let year: number | null = null
  let last = Number.NEGATIVE_INFINITY
  const log = { yearsTooMany: 0 }

  function withYear(month: number, day: number, ms: number): number {
    year ??= firstYear(month, day, ms)
    let at = Date.UTC(year, month, day) + ms
    if (at < last - HALF_YEAR_MS) at = Date.UTC(++year, month, day) + ms
    // A line of December, logged after one of January.
    else if (at > last + TURN_OF_YEAR_MS && Number.isFinite(last)) return Date.UTC(year - 1, month, day) + ms
    last = Math.max(last, at)
    // The log contains a turn of the year, so it started a year earlier than assumed.
    while (at - log.yearsTooMany * 365 * DAY_MS > latest) log.yearsTooMany++
    return at
  }

  function firstYear(month: number, day: number, ms: number): number {
    let candidate = now.getUTCFullYear() + 1
    for (;;) {
      candidate--
      const date = new Date(Date.UTC(candidate, month, day) + ms)
      // The candidate year has no 29th of February.
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
