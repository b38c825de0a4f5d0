import { setTimeout as sleep } from 'node:timers/promises'

/** A wait that somebody may cut short. */
export class Rest {
  #wake = () => {}

  wake(): void {
    this.#wake()
  }

  /** Until it is woken or told to stop, or for so many milliseconds. */
  async within(milliseconds: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    const both = AbortSignal.any([signal, woken.signal])
    await sleep(Math.max(0, milliseconds), undefined, { signal: both, ref: false }).catch(() => {})
    this.#wake = () => {}
  }
}
