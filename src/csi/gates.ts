import { Semaphore } from 'async-mutex'

/**
 * How many volumes of one target are staged at once. Their sessions are made one after the other anyway; with
 * dozens at once the programs and udev events of all slow each down until their deadlines pass.
 */
const AT_ONCE = 4

/** Lets a few in at a time for each target, so that a target that is dead holds up nobody but its own. */
export class Gates {
  readonly #gates = new Map<string, { readonly gate: Semaphore; users: number }>()

  async run<T>(target: string, work: () => Promise<T>): Promise<T> {
    const found = this.#gates.get(target) ?? { gate: new Semaphore(AT_ONCE), users: 0 }
    this.#gates.set(target, found)
    found.users++
    try {
      return await found.gate.runExclusive(work)
    } finally {
      found.users--
      if (found.users === 0) this.#gates.delete(target)
    }
  }
}
