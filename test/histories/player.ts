import type { Debian } from '../../lab/index.ts'
import type { MutationName } from './mutations.ts'
import type { Played } from './play.ts'
import { play } from './play.ts'
import type { Machine } from './world.ts'
import { bootMachine } from './world.ts'

type Playable = Parameters<typeof play>[1]

/** Plays histories one after the other on one machine, until there is a violation. */
export class Player implements AsyncDisposable {
  readonly #debian: Debian
  readonly #cpu: number | undefined
  readonly #mutations: readonly MutationName[]
  #machine: Machine | null = null

  constructor(debian: Debian, cpu?: number, mutations: readonly MutationName[] = []) {
    this.#debian = debian
    this.#cpu = cpu
    this.#mutations = mutations
  }

  async play(history: Playable, tell?: (line: string) => void): Promise<Played> {
    this.#machine ??= await bootMachine(this.#debian, this.#cpu, this.#mutations)
    try {
      const played = await play(this.#machine.world, history, tell)
      if (played.violation) await this.#throwAway()
      return played
    } catch (error) {
      await this.#throwAway()
      throw error
    }
  }

  async #throwAway(): Promise<void> {
    await this.#machine?.lab.close()
    this.#machine = null
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#throwAway()
  }
}
