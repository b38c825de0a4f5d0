import { Violation } from '../violation.ts'
import type { Stamps } from '../world.ts'
import type { NodeName } from './history.ts'
import type { Model } from './model.ts'
import type { World } from './world.ts'
import { MOUNT, VOLUME } from './world.ts'

const READ_MS = 60_000

/** Compares the volume's file with the node that owned the volume when a byte changed. */
export class Judge {
  readonly #world: World
  readonly #model: Model
  /** By number of an epoch: the contents of each block when it ended. */
  readonly #ends: ReadonlyMap<number, number>[] = []
  /** A violation found while something else was waited for. */
  #found: Violation | null = null

  constructor(world: World, model: Model) {
    this.#world = world
    this.#model = model
  }

  /** @throws Violation two-writers corrupt lost */
  look(): void {
    if (this.#found) throw this.#found
    const { content } = this.#model.settings
    for (const [block, stamps] of this.#world.changes()) for (const stamp of stamps) this.#judge(block, stamp)
    if (content === 'raw') this.#expectConfirmed((block) => this.#world.block(block))
  }

  #judge(at: number, stamp: Stamps[number]): void {
    const { settings, writes, epoch } = this.#model
    if (stamp === null) {
      if (settings.content === 'raw')
        throw new Violation('corrupt', VOLUME, `block ${at} has bytes that no write put there`)
      return
    }
    const write = writes.get(stamp[1])
    // Nothing was written there, or an ext4 has put a block where another one was.
    if (!write) return
    if (write.epoch !== epoch)
      throw new Violation(
        'two-writers',
        VOLUME,
        `block ${at} has write ${stamp[1]}, which ${write.node} made in epoch ${write.epoch}; now is epoch ${epoch}, of ${this.#model.owner ?? 'no node'}`,
      )
  }

  /** A write has completed. */
  settle(sequence: number, fate: 'synced' | 'written' | 'lost'): void {
    const { writes, epoch, ledger } = this.#model
    const { block, epoch: of, node } = writes.get(sequence)!
    if (of === epoch) return ledger.settle(block, sequence, fate)
    // The answer may have come while the node was paused; the write itself must have arrived before.
    if (fate !== 'synced' || (this.#ends[of]?.get(block) ?? 0) >= sequence) return
    this.#found ??= new Violation(
      'lost',
      VOLUME,
      `write ${sequence} of ${node}, to block ${block}, was confirmed, and was not there when epoch ${of} ended`,
    )
  }

  /** An attach of this node has succeeded: the result of unconfirmed writes is final now. @throws Violation lost */
  async beginEpoch(owner: NodeName): Promise<void> {
    const { content } = this.#model.settings
    this.look()
    const seen = new Map<number, Stamps>()
    for (const block of this.#model.ledger.blocks)
      seen.set(block, content === 'raw' ? this.#world.block(block) : await this.#readFile(owner, block))
    this.#expectConfirmed((block) => seen.get(block)!)
    const end = new Map<number, number>()
    for (const [block, stamps] of seen) {
      const sequence = stamps[0]?.[1] ?? 0
      end.set(block, sequence)
      this.#model.ledger.forgive(block, sequence)
    }
    this.#ends[this.#model.epoch] = end
    this.#model.epoch++
  }

  async #readFile(node: NodeName, block: number): Promise<Stamps> {
    const answer = await Promise.race([
      this.#world.read(node, { path: `${MOUNT}/f`, block }),
      new Promise<null>((resolve) => setTimeout(resolve, READ_MS, null)),
    ])
    if (answer === null || 'error' in answer) {
      const why = answer === null ? 'no answer' : answer.error.message
      if (answer !== null && answer.error.code === 'ENOENT') return UNWRITTEN_BLOCK
      throw new Violation('refused', VOLUME, `${node}: block ${block} cannot be read: ${why}`)
    }
    return answer.value[0] === null ? UNWRITTEN_BLOCK : answer.value
  }

  /** @throws Violation lost */
  #expectConfirmed(read: (block: number) => Stamps): void {
    const { ledger } = this.#model
    for (const block of ledger.blocks) {
      const allowed = ledger.allowed(block)
      const wrong = read(block).find((stamp) => !allowed.includes(stamp?.[1] ?? 0))
      if (wrong === undefined) continue
      throw new Violation(
        'lost',
        VOLUME,
        `block ${block} has write ${wrong?.[1] ?? 'none'}; confirmed is ${ledger.confirmed(block)}, possible ${allowed.join(' ')}`,
      )
    }
  }
}

/** A block of a file that was never written. */
const UNWRITTEN_BLOCK: Stamps = [[VOLUME, 0, 0]]
