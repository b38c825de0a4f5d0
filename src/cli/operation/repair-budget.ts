/** Maximum number of runs per day that repair something. If more are needed, something undoes the repairs. */
const MAX_RUNS_PER_DAY = 6
const DAY_MS = 24 * 3_600_000

/** Limits how often the agent repairs automatically. */
export class RepairBudget {
  #repairTimesMs: readonly number[] = []
  #isReported = false

  /**
   * Whether a run may start now.
   * @param nowMs monotonic
   * @returns `exhausted` once when the limit is reached, then `no`
   */
  may(nowMs: number): 'yes' | 'exhausted' | 'no' {
    this.#repairTimesMs = this.#repairTimesMs.filter((ms) => nowMs - ms < DAY_MS)
    if (this.#repairTimesMs.length < MAX_RUNS_PER_DAY) {
      this.#isReported = false
      return 'yes'
    }
    if (this.#isReported) return 'no'
    this.#isReported = true
    return 'exhausted'
  }

  /** Records that a run has repaired something. */
  repaired(nowMs: number): void {
    this.#repairTimesMs = [...this.#repairTimesMs, nowMs]
  }
}
