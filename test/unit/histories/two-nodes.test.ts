import { describe, expect, it } from 'vitest'

import { Random } from '../../histories/random.ts'
import type { NodeName } from '../../histories/two-nodes/history.ts'
import { settingsOf } from '../../histories/two-nodes/history.ts'
import { Judge } from '../../histories/two-nodes/judge.ts'
import { Model } from '../../histories/two-nodes/model.ts'
import { choose, makesSense } from '../../histories/two-nodes/operations.ts'
import type { World } from '../../histories/two-nodes/world.ts'
import { VOLUME } from '../../histories/two-nodes/world.ts'
import type { Stamps } from '../../histories/world.ts'

/** A volume's file, without a target. */
class File {
  readonly #blocks = new Map<number, Stamps>()
  #changed = new Set<number>()

  put(block: number, sequence: number | null): void {
    this.#blocks.set(block, [sequence === null ? null : [VOLUME, sequence, block]])
    this.#changed.add(block)
  }

  changes() {
    const changed = [...this.#changed].map((block) => [block, this.block(block)] as const)
    this.#changed = new Set()
    return changed
  }

  block(block: number): Stamps {
    return this.#blocks.get(block) ?? [[VOLUME, 0, block]]
  }
}

function judged() {
  const model = new Model({ content: 'raw', portals: 1, acls: 'dynamic', keeps: false })
  const file = new File()
  const judge = new Judge(file as unknown as World, model)
  return {
    file,
    judge,
    owns: async (name: NodeName) => {
      await judge.beginEpoch(name)
      model.owner = name
    },
    /** @returns its sequence number */
    write: (node: NodeName, block: number): number => {
      const sequence = ++model.sequence
      model.writes.set(sequence, { node, block, epoch: model.owner === node ? model.epoch : -1 })
      if (model.owner === node) model.ledger.issue(block, sequence)
      return sequence
    },
  }
}

describe('the judge of two nodes', () => {
  it('finds a write that a former owner had issued and that arrives after the take-over', async () => {
    const { file, judge, owns, write } = judged()
    await owns('a')
    const held = write('a', 3)
    await owns('b')
    expect(() => judge.look()).not.toThrow()
    file.put(3, held)
    expect(() => judge.look()).toThrow(/two-writers.*write 1, which a made in epoch 1; now is epoch 2, of b/)
  })

  it('finds a write that a former owner issues after the take-over', async () => {
    const { file, judge, owns, write } = judged()
    await owns('a')
    await owns('b')
    file.put(3, write('a', 3))
    expect(() => judge.look()).toThrow('two-writers')
  })

  it('lets a write be that arrived before the take-over, whenever it is confirmed', async () => {
    const { file, judge, owns, write } = judged()
    await owns('a')
    const late = write('a', 3)
    file.put(3, late)
    await owns('b')
    judge.settle(late, 'synced')
    expect(() => judge.look()).not.toThrow()
  })

  it('finds a write that was confirmed to a former owner and is not there', async () => {
    const { judge, owns, write } = judged()
    await owns('a')
    const claimed = write('a', 3)
    await owns('b')
    judge.settle(claimed, 'synced')
    expect(() => judge.look()).toThrow(/lost.*write 1 of a, to block 3, was confirmed/)
  })

  it('finds a confirmed write that the next owner does not find', async () => {
    const { file, judge, owns, write } = judged()
    await owns('a')
    const confirmed = write('a', 3)
    file.put(3, confirmed)
    judge.settle(confirmed, 'synced')
    judge.look()
    file.put(3, 0)
    await expect(owns('b')).rejects.toThrow(/lost.*block 3 has write 0; confirmed is 1/)
  })

  it('finds bytes that no write put there', async () => {
    const { file, judge, owns } = judged()
    await owns('a')
    file.put(3, null)
    expect(() => judge.look()).toThrow('corrupt')
  })
})

describe('a history of two nodes', () => {
  const operations = (seed: number) => {
    const [random, model] = [new Random(seed), new Model(settingsOf(seed))]
    model.node('a').attached = 'yes'
    model.owner = 'a'
    return Array.from({ length: 200 }, () => choose(random, model))
  }

  it('is determined by its seed', () => {
    expect(operations(7)).toEqual(operations(7))
    expect(operations(7)).not.toEqual(operations(8))
  })

  it('does nothing on a node that stands still', () => {
    const [random, model] = [new Random(1), new Model(settingsOf(1))]
    for (const node of model.nodes) node.attached = 'yes'
    model.node('a').away = 'paused'
    const chosen = Array.from({ length: 500 }, () => choose(random, model))
    const onA = chosen.filter((one) => 'node' in one && one.node === 'a')
    expect(new Set(onA.map(({ kind }) => kind))).toEqual(new Set(['resume']))
    expect(chosen.some((one) => one.kind === 'race')).toBe(false)
    expect(chosen.some((one) => one.kind === 'reboot' && one.nodes.includes('a'))).toBe(false)
  })

  it('does not let a target forget a raw volume whose former owner is there', () => {
    const model = new Model({ content: 'raw', portals: 1, acls: 'dynamic', keeps: false })
    model.owner = 'a'
    model.node('a').attached = 'yes'
    expect(makesSense({ kind: 'target-restart' }, model)).toBe(true)
    model.owner = 'b'
    expect(makesSense({ kind: 'target-restart' }, model)).toBe(false)
    expect(makesSense({ kind: 'remap' }, model)).toBe(false)
  })
})
