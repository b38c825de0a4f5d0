/** NTP slews by at most 0.5 ms a second (adjtimex(2)), which between two looks is far below this. */
const STEP_MS = 2_000

/** Notices that the wall clock was set, by comparing it with the monotonic clock. */
export class ClockSteps {
  #offsetMs: number | null = null

  /** @returns by how many seconds the wall clock was set since the last call; 0 if it was not */
  take(wallMs: number, monotonicMs: number): number {
    const offsetMs = wallMs - monotonicMs
    const stepMs = offsetMs - (this.#offsetMs ?? offsetMs)
    this.#offsetMs = offsetMs
    return Math.abs(stepMs) < STEP_MS ? 0 : Math.round(stepMs / 1000)
  }
}
