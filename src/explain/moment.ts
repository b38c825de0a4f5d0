/** When a line was written: by the wall clock, by the time since boot, or both. */
export interface Moment {
  /** Milliseconds since 1970; of an unknown zone unless `zoned`. */
  readonly ms: number | null
  readonly zoned: boolean
  /** Seconds since boot. */
  readonly uptime: number | null
}

/** Seconds from one moment of a boot to another; null where they have no clock in common. */
export function secondsBetween(from: Moment, to: Moment): number | null {
  // Time since boot is finer than syslog's seconds, and nobody sets it.
  if (from.uptime !== null && to.uptime !== null) return to.uptime - from.uptime
  return from.ms === null || to.ms === null ? null : (to.ms - from.ms) / 1000
}

/** More than so many seconds later; not known to be where they have no clock in common. */
export function isAfter(earlier: Moment, now: Moment, seconds: number): boolean {
  return (secondsBetween(earlier, now) ?? 0) > seconds
}

/** The moment so many seconds before another. */
export function before(moment: Moment, seconds: number): Moment {
  const { ms, uptime, zoned } = moment
  return {
    ms: ms === null ? null : ms - seconds * 1000,
    zoned,
    uptime: uptime === null ? null : uptime - seconds,
  }
}
