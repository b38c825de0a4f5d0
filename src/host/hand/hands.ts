import { LunkeeperError } from '../../model/errors.ts'
import { Hand } from './hand.ts'

/** How many hands are kept for later, and how long one waits for a free one before another is made. */
const KEPT = 4
const PATIENCE = 50

/**
 * The hands of one process. A lane names what calls queue behind in the kernel (the scan mutex of
 * a SCSI host): while a call is stuck in a lane, another would only be stuck behind it, so it is
 * refused at once instead.
 */
export class Hands {
  readonly #idle: Hand[] = []
  readonly #queue: ((hand: Hand) => void)[] = []
  readonly #stuckLanes = new Map<string, string>()
  #busy = 0

  /** Starts a hand ahead of time: its start then overlaps with other work. */
  warm(): void {
    if (this.#idle.length + this.#busy === 0) this.#idle.push(new Hand())
  }

  /** @throws STUCK when the lane is stuck, and whatever `work` throws */
  async use<T>(lane: string | null, work: (hand: Hand) => Promise<T>): Promise<T> {
    const stuck = lane === null ? undefined : this.#stuckLanes.get(lane)
    if (stuck !== undefined) throw new LunkeeperError('STUCK', `${lane} is stuck in the kernel: ${stuck}`)
    const hand = await this.#take()
    this.#busy++
    try {
      return await work(hand)
    } catch (error) {
      if (lane !== null && !hand.usable && error instanceof LunkeeperError)
        this.#close(lane, error.message, hand)
      throw error
    } finally {
      this.#busy--
      this.#give(hand)
    }
  }

  #close(lane: string, reason: string, hand: Hand): void {
    this.#stuckLanes.set(lane, reason)
    hand.onExit(() => this.#stuckLanes.delete(lane))
  }

  async #take(): Promise<Hand> {
    const idle = this.#nextIdle()
    if (idle) return idle
    if (this.#busy < KEPT) return new Hand()
    const { promise, resolve } = Promise.withResolvers<Hand>()
    this.#queue.push(resolve)
    const timer = setTimeout(() => {
      const place = this.#queue.indexOf(resolve)
      if (place < 0) return
      this.#queue.splice(place, 1)
      resolve(new Hand())
    }, PATIENCE)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
    }
  }

  #nextIdle(): Hand | undefined {
    for (let hand = this.#idle.pop(); hand; hand = this.#idle.pop()) if (hand.usable) return hand
    return undefined
  }

  #give(hand: Hand): void {
    if (!hand.usable) return
    const next = this.#queue.shift()
    if (next) next(hand)
    else if (this.#idle.length < KEPT) this.#idle.push(hand)
    else hand.dismiss()
  }

  close(): void {
    for (const hand of this.#idle.splice(0)) hand.dismiss()
  }
}
