/** Milliseconds of this boot's monotonic clock (CLOCK_MONOTONIC): the same for all processes, and never set. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

/** A moment by both clocks, as a note under /run keeps it. */
export interface Moment {
  /** ISO 8601, by the wall clock as it was then. */
  readonly since: string
  /** {@link monotonicMs} of the same moment. */
  readonly sinceMs: number
}

export function momentNow(): Moment {
  return { since: new Date().toISOString(), sinceMs: monotonicMs() }
}

/** Less than this is the time between reading one clock and the other. */
const STEP_MS = 1_000

/**
 * By how much the wall clock was set since then, in milliseconds. Whatever counts from a noted moment counts by the
 * monotonic clock: the noted wall time is moved by this much first, so that setting the clock ends nothing early.
 */
export function clockStepSince({ since, sinceMs }: Moment): number {
  const step = Date.now() - Date.parse(since) - (monotonicMs() - sinceMs)
  return Math.abs(step) < STEP_MS ? 0 : step
}

/** A wall time that was noted then, by the wall clock as it is set now. ISO 8601. */
export function restamped(time: string, step: number): string {
  return step === 0 ? time : new Date(Date.parse(time) + step).toISOString()
}
