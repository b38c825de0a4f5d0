import { uptime } from 'node:os'

/** The monotonic clock in milliseconds (CLOCK_MONOTONIC): the same for all processes of this boot, and never set. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

/**
 * Milliseconds since the boot (CLOCK_BOOTTIME, to 10 ms): unlike {@link monotonicMs}, it includes time during which
 * the machine was suspended.
 */
export function sinceBootMs(): number {
  return uptime() * 1000
}

/** A moment by the wall clock and by the monotonic clock, as recorded in a note under /run. */
export interface Moment {
  /** The wall clock at that moment, ISO 8601. */
  readonly since: string
  /** {@link monotonicMs} at the same moment. */
  readonly sinceMs: number
}

export function momentNow(): Moment {
  return { since: new Date().toISOString(), sinceMs: monotonicMs() }
}

/** Smaller differences are the time that passes between reading the two clocks. */
const MIN_STEP_MS = 1_000

/**
 * By how many milliseconds the wall clock has been set since a moment. Periods are measured by the monotonic clock:
 * a recorded wall time is shifted by this step first, so that setting the clock does not end a period early.
 */
export function clockStepSince({ since, sinceMs }: Moment): number {
  const step = Date.now() - Date.parse(since) - (monotonicMs() - sinceMs)
  return Math.abs(step) < MIN_STEP_MS ? 0 : step
}

/** A recorded wall time, converted to the wall clock as it is set now. ISO 8601. */
export function restamped(time: string, step: number): string {
  return step === 0 ? time : new Date(Date.parse(time) + step).toISOString()
}
