/** Milliseconds of this boot's monotonic clock (CLOCK_MONOTONIC): the same for all processes, and never set. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

/** A moment by both clocks, as kept in a note under /run. */
export interface Moment {
  /** ISO 8601, by the wall clock at that time. */
  readonly since: string
  /** {@link monotonicMs} at the same moment. */
  readonly sinceMs: number
}

export function momentNow(): Moment {
  return { since: new Date().toISOString(), sinceMs: monotonicMs() }
}

/** Differences below this are the time between reading the two clocks. */
const STEP_MS = 1_000

/**
 * How far the wall clock was set since then, in milliseconds. A period that started at a noted moment is counted by the
 * monotonic clock: the noted wall time is shifted by this amount first, so that setting the clock ends nothing early.
 */
export function clockStepSince({ since, sinceMs }: Moment): number {
  const step = Date.now() - Date.parse(since) - (monotonicMs() - sinceMs)
  return Math.abs(step) < STEP_MS ? 0 : step
}

/** A noted wall time, converted to the wall clock as currently set. ISO 8601. */
export function restamped(time: string, step: number): string {
  return step === 0 ? time : new Date(Date.parse(time) + step).toISOString()
}
