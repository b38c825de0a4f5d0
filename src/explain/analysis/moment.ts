import type { Span } from '../report.ts'

/** When a line was written: by the wall clock, as time since boot, or both. */
export interface LogMoment {
  /** Milliseconds since 1970. If not `zoned`, the time zone is unknown and taken for UTC. */
  readonly ms: number | null
  readonly zoned: boolean
  /** Seconds since boot. */
  readonly uptime: number | null
  /**
   * Shared by all moments of a log. `yearsTooMany`: how many years later than the truth its times without a year were
   * assumed.
   */
  readonly log: { readonly yearsTooMany: number }
}

/** Seconds between two moments of one boot; null if they have no clock in common. */
export function secondsBetween(from: LogMoment, to: LogMoment): number | null {
  // The time since boot is more precise than syslog's seconds, and is never set.
  if (from.uptime !== null && to.uptime !== null) return to.uptime - from.uptime
  return from.ms === null || to.ms === null ? null : (to.ms - from.ms) / 1000
}

/** Whether `now` is more than this many seconds after `earlier`; false if they have no clock in common. */
export function isAfter(earlier: LogMoment, now: LogMoment, seconds: number): boolean {
  return (secondsBetween(earlier, now) ?? 0) > seconds
}

/** The moment this many seconds earlier. */
export function before(moment: LogMoment, seconds: number): LogMoment {
  const { ms, uptime } = moment
  return {
    ...moment,
    ms: ms === null ? null : ms - seconds * 1000,
    uptime: uptime === null ? null : uptime - seconds,
  }
}

/**
 * In ISO 8601, without a zone if the log names none. Call it after the whole log was read, when the years are final.
 */
export function isoOf(moment: LogMoment | null): string | null {
  if (moment === null || moment.ms === null) return null
  const date = new Date(moment.ms)
  if (Number.isNaN(date.getTime())) return null
  const { yearsTooMany } = moment.log
  if (!moment.zoned && yearsTooMany > 0) date.setUTCFullYear(date.getUTCFullYear() - yearsTooMany)
  if (Number.isNaN(date.getTime())) return null
  const text = date.toISOString().replace('.000Z', 'Z')
  return moment.zoned ? text : text.slice(0, -1)
}

export function uptimeOf(moment: LogMoment | null): number | null {
  return moment?.uptime ?? null
}

export function spanOf({ first, last }: { first: LogMoment | null; last: LogMoment | null }): Span {
  return { from: isoOf(first), to: isoOf(last), fromUptime: uptimeOf(first), toUptime: uptimeOf(last) }
}
