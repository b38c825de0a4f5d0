import { setTimeout as sleep } from 'node:timers/promises'

/** A pause that can be cut short. */
export class InterruptiblePause {
  #wake = () => {}

  wake(): void {
    this.#wake()
  }

  /** Waits until it is woken, aborted, or the time is up (milliseconds). */
  async within(milliseconds: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    const both = AbortSignal.any([signal, woken.signal])
    await sleep(Math.max(0, milliseconds), undefined, { signal: both, ref: false }).catch(() => {})
    this.#wake = () => {}
  }
}
