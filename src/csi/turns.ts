import { Code } from '@connectrpc/connect'

import { refusal } from './status.ts'

/**
 * One call at a time that changes a volume. Another one meanwhile is answered ABORTED at once: the first
 * goes on, also where its caller has given up on it, and the caller's next try finds what it has done.
 */
export class Turns {
  readonly #running = new Map<string, { readonly what: string; readonly end: Promise<unknown> }>()

  async run<T>(volumeId: string, what: string, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(volumeId)
    if (running)
      throw refusal(Code.Aborted, `${running.what} is still at work on ${volumeId}; try again in a moment`)
    const end = work()
    this.#running.set(volumeId, { what, end })
    try {
      return await end
    } finally {
      this.#running.delete(volumeId)
    }
  }

  /** Resolves when none runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running.values()].map(({ end }) => end))
  }
}
