/** How long `volumes` takes on an idle lab machine with some volumes. */
const USUAL_MS = 150
const REMEMBERED = 5
const MOST = 12

/** How much slower than usual the machine is now: other machines may share its processor. Time limits are multiplied by it. */
export class Pace {
  readonly #recent: number[] = []

  note(ms: number): void {
    this.#recent.push(ms)
    if (this.#recent.length > REMEMBERED) this.#recent.shift()
  }

  /** 1: as fast as usual. */
  get factor(): number {
    return Math.min(MOST, Math.max(1, ...this.#recent.map((ms) => ms / USUAL_MS)))
  }
}
