import { grpcError } from './status.ts'

/**
 * Allows one call at a time to change a volume. A concurrent call fails immediately with ABORTED. The first call continues
 * even if its caller disconnects, so that the caller's retry finds the result.
 */
export class VolumeCalls {
  readonly #running = new Map<string, { readonly what: string; readonly end: Promise<unknown> }>()

  async run<T>(volumeId: string, what: string, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(volumeId)
    if (running)
      throw grpcError('LOCKED', `${running.what} is still in progress for ${volumeId}; retry in a moment`)
    const end = work()
    this.#running.set(volumeId, { what, end })
    try {
      return await end
    } finally {
      this.#running.delete(volumeId)
    }
  }

  /** Resolves when no call is running. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running.values()].map(({ end }) => end))
  }
}
