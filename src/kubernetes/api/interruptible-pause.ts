import { setTimeout as sleep } from 'node:timers/promises'

/** A pause that another part of the program can end early. */
export class InterruptiblePause {
  #end = () => {}

  /** Ends the current pause. */
  end(): void {
    this.#end()
  }

  /** Waits for some milliseconds, or until {@link end} is called or the signal is aborted. */
  async wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    const ended = new AbortController()
    this.#end = () => ended.abort()
    const both = AbortSignal.any([signal, ended.signal])
    await sleep(Math.max(0, milliseconds), undefined, { signal: both, ref: false }).catch(() => {})
    this.#end = () => {}
  }
}
