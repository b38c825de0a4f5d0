/** A screen reader must be able to finish a sentence before the next announcement. */
const ANNOUNCEMENT_INTERVAL_MS = 3_000

/** Shows announcements in an element that screen readers watch. Those that come too soon are combined. */
export class Announcer {
  readonly #element: Element
  #pending: string[] = []
  #quietUntilMs = 0

  constructor(element: Element) {
    this.#element = element
  }

  announce(text: string | null): void {
    if (text === null) return
    this.#pending.push(text)
    if (this.#pending.length > 1) return
    setTimeout(
      () => {
        this.#element.textContent = this.#pending.join(' ')
        this.#pending = []
        this.#quietUntilMs = performance.now() + ANNOUNCEMENT_INTERVAL_MS
      },
      Math.max(0, this.#quietUntilMs - performance.now()),
    )
  }
}
