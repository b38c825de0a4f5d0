/** Runs of a day that may repair something. More, and something undoes the repairs. */
const MOST_A_DAY = 6
const DAY_MS = 24 * 3_600_000

/** Limits how often the agent repairs automatically. */
export class RepairBudget {
  #repairedMs: readonly number[] = []
  #isTold = false

  /** @param nowMs monotonic @returns `exhausted` once for each time that the limit is reached, then `no` */
  may(nowMs: number): 'yes' | 'exhausted' | 'no' {
    this.#repairedMs = this.#repairedMs.filter((ms) => nowMs - ms < DAY_MS)
    if (this.#repairedMs.length < MOST_A_DAY) {
      this.#isTold = false
      return 'yes'
    }
    if (this.#isTold) return 'no'
    this.#isTold = true
    return 'exhausted'
  }

  /** A run has repaired something. */
  repaired(nowMs: number): void {
    this.#repairedMs = [...this.#repairedMs, nowMs]
  }
}
