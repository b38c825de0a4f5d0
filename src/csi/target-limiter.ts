import { Semaphore } from 'async-mutex'

/**
 * How many volumes of one target are staged at a time. Their sessions are created one after the other anyway, and with
 * dozens at once programs and udev events slow each other down until deadlines pass.
 */
const MAX_CONCURRENT = 4

/** Limits concurrency per target, so that a dead target delays only its own volumes. */
export class TargetLimiter {
  readonly #targets = new Map<string, { readonly semaphore: Semaphore; users: number }>()

  async run<T>(target: string, work: () => Promise<T>): Promise<T> {
    const found = this.#targets.get(target) ?? { semaphore: new Semaphore(MAX_CONCURRENT), users: 0 }
    this.#targets.set(target, found)
    found.users++
    try {
      return await found.semaphore.runExclusive(work)
    } finally {
      found.users--
      if (found.users === 0) this.#targets.delete(target)
    }
  }
}
