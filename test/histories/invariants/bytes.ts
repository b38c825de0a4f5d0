import type { Model, VolumeModel } from '../model.ts'
import { Violation } from '../violation.ts'
import type { Change, Stamps, World } from '../world.ts'
import { unwritten, wrongStamp } from './stamps.ts'

const isIn = (stamps: Stamps, wanted: Stamps[number]): boolean =>
  stamps.some((stamp) => JSON.stringify(stamp) === JSON.stringify(wanted))

/** The contents of each block of each raw volume at the last look; a block that is missing was never written. */
type Contents = Map<string, Map<number, Stamps>>

/** Compares the targets' own files with what was written, and which volume it was written for. */
export class Bytes {
  readonly #world: World
  readonly #model: Model
  readonly #contents: Contents = new Map()
  #lookedAt = performance.now()

  constructor(world: World) {
    this.#world = world
    this.#model = world.model
  }

  /** The volume is new again. */
  forget(volume: string): void {
    this.#contents.delete(volume)
  }

  /** @throws Violation wrong-volume written-while-detached corrupt lost */
  async look(): Promise<void> {
    const before = this.#lookedAt
    const now = performance.now()
    const changes = await this.#world.scan()
    for (const change of changes) this.#judge(change, before)
    this.#model.windows.seal(performance.now(), this.#model.checkedSince)
    this.#lookedAt = now
    for (const volume of this.#model.volumes.values()) this.#expectConfirmed(volume)
  }

  #judge({ volume: name, count, blocks }: Change, before: number): void {
    const volume = this.#model.volume(name)
    const mayWrite = volume.attached !== 'no' || volume.mayWriteUntil >= before
    for (const [block, stamps] of blocks) {
      const were = this.#contentsOf(name).get(block) ?? unwritten(name, block)
      this.#contentsOf(name).set(block, stamps)
      // A stray write may be smaller than a block: the other sectors are unchanged.
      const judged = mayWrite ? stamps : stamps.filter((stamp) => !isIn(were, stamp))
      for (const stamp of judged) this.#judgeSector(volume, block, stamp, mayWrite, before)
    }
    if (volume.kind === 'raw' || mayWrite) return
    this.#allowStray(
      volume,
      before,
      undefined,
      () =>
        new Violation(
          'written-while-detached',
          name,
          `${count} blocks of its file system have changed, and it is not attached`,
        ),
    )
  }

  #judgeSector(
    volume: VolumeModel,
    block: number,
    stamp: Stamps[number],
    mayWrite: boolean,
    before: number,
  ): void {
    const { name, ledger, tainted } = volume
    if (stamp?.[0] === name && stamp[2] === block) {
      if (!mayWrite)
        throw new Violation(
          'written-while-detached',
          name,
          `block ${block} has write ${stamp[1]}, and it is not attached`,
        )
      if (!tainted && volume.kind === 'raw' && !ledger.allowed(block).includes(stamp[1]))
        throw new Violation(
          'lost',
          name,
          `block ${block} has write ${stamp[1]} again; confirmed was ${ledger.confirmed(block)}`,
        )
      return
    }
    const what =
      stamp === null ? 'bytes that no write put there' : `write ${stamp[1]} of ${stamp[0]}, block ${stamp[2]}`
    this.#allowStray(
      volume,
      before,
      stamp?.[0],
      () => new Violation(stamp === null ? 'corrupt' : 'wrong-volume', name, `block ${block} has ${what}`),
    )
  }

  /** In a window in which Lunkeeper could not know that a LUN shows another volume, bytes may go astray. */
  #allowStray(
    volume: VolumeModel,
    before: number,
    writer: string | undefined,
    violation: () => Violation,
  ): void {
    const window = this.#model.windows.covers(volume.name, before, this.#model.checkedSince, writer)
    if (!window) throw violation()
    window.used = true
    volume.tainted = true
  }

  /** @throws Violation lost */
  #expectConfirmed({ name, kind, ledger, tainted }: VolumeModel): void {
    if (kind !== 'raw' || tainted) return
    for (const block of ledger.blocks) {
      const stamps = this.#contentsOf(name).get(block) ?? unwritten(name, block)
      const allowed = ledger.allowed(block)
      const wrong = wrongStamp(stamps, name, allowed)
      if (wrong !== undefined)
        throw new Violation(
          'lost',
          name,
          `block ${block} has write ${wrong?.[1] ?? 'none'}; confirmed is ${ledger.confirmed(block)}, possible ${allowed.join(' ')}`,
        )
    }
  }

  #contentsOf(volume: string): Map<number, Stamps> {
    const known = this.#contents.get(volume)
    if (known) return known
    const fresh = new Map<number, Stamps>()
    this.#contents.set(volume, fresh)
    return fresh
  }
}
