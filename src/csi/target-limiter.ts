import { Semaphore } from 'async-mutex'

/**
 * How many volumes of one target are staged at a time. Their sessions are created one after the other anyway; with
 * dozens at once, programs and udev events slow each other down until deadlines pass.
 */
const AT_ONCE = 4

/** Limits concurrency per target, so that a dead target delays only its own volumes. */
export class TargetLimiter {
  readonly #targetLimiter = new Map<string, { readonly gate: Semaphore; users: number }>()

  async run<T>(target: string, work: () => Promise<T>): Promise<T> {
    const found = this.#targetLimiter.get(target) ?? { gate: new Semaphore(AT_ONCE), users: 0 }
    this.#targetLimiter.set(target, found)
    found.users++
    try {
      return await found.gate.runExclusive(work)
    } finally {
      found.users--
      if (found.users === 0) this.#targetLimiter.delete(target)
    }
  }
}
