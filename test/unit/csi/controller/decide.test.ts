import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { Decision } from '../../../../src/csi/controller/decide.ts'
import { decide } from '../../../../src/csi/controller/decide.ts'
import type { Sharing } from '../../../../src/csi/volume/publication.ts'
import type { VolumeAttachment } from '../../../../src/model/volume-attachment.ts'

const seen = (node: string, more: Partial<VolumeAttachment> = {}): VolumeAttachment => ({
  name: `csi-${node}`,
  uid: `uid-${node}`,
  node,
  nodeId: node,
  volume: 'orders',
  attached: false,
  isEnding: false,
  createdAt: '2026-11-20T22:00:00Z',
  ...more,
})
const asked = (nodeId: string, sharing: Sharing = 'one-node') => ({ volumeId: 'h', nodeId, sharing })
const later = { createdAt: '2026-11-20T22:00:01Z' }
const words = (decision: Decision) =>
  decision.kind === 'publish' ? decision.attachment.node : decision.reason

describe('one node', () => {
  it('that is alone gets the volume, however often it asks', () => {
    for (const attached of [false, true])
      expect(decide(asked('a'), [seen('a', { attached })], null)).toMatchObject({ kind: 'publish' })
  })

  it('is recognized by its node ID', () => {
    expect(words(decide(asked('id-a'), [seen('a', { nodeId: 'id-a' })], null))).toBe('a')
    expect(decide(asked('a'), [seen('a', { nodeId: 'id-a' })], null).kind).toBe('not-found')
  })

  it.each([
    ['has it', { attached: true, ...later }],
    ['has it and is being detached', { attached: true, isEnding: true, ...later }],
    ['asked first', {}],
    ['asked first and is being detached', { isEnding: true }],
  ])('is refused, with the name of the other node, if that %s', (_, other) => {
    const own = seen('b', later)
    const decision = decide(asked('b'), [own, seen('a', other)], null)
    expect(decision.kind).toBe('refuse')
    expect(words(decision)).toMatch(/attached to node a \(VolumeAttachment csi-a\)/)
  })

  it('a publish is refused if another node was answered a moment ago, which the API does not show yet', () => {
    const attachments = [seen('a', later), seen('b')]
    expect(decide(asked('b'), attachments, null).kind).toBe('publish')
    expect(decide(asked('b'), attachments, 'uid-a').kind).toBe('refuse')
    expect(decide(asked('a'), attachments, 'uid-a').kind).toBe('publish')
  })

  it('a publish is refused while its own attachment is being deleted', () => {
    expect(decide(asked('a'), [seen('a', { isEnding: true })], null).kind).toBe('refuse')
  })

  it('without a VolumeAttachment is NOT_FOUND', () => {
    expect(decide(asked('a'), [seen('b')], null).kind).toBe('not-found')
    expect(decide(asked('a'), [], null).kind).toBe('not-found')
  })
})

describe('many nodes', () => {
  it.each(['many-readers', 'many-writers'] as const)('%s: each node gets the volume', (sharing) => {
    const attachments = [seen('a', { attached: true }), seen('b')]
    expect(words(decide(asked('b', sharing), attachments, 'uid-a'))).toBe('b')
  })

  it('two PersistentVolumes with one volumeHandle are refused in any mode, and both are named', () => {
    for (const sharing of ['one-node', 'many-readers', 'many-writers'] as const) {
      const attachments = [seen('a', { volume: 'copy' }), seen('b', later)]
      expect(words(decide(asked('b', sharing), attachments, null))).toMatch(/copy \(on node a\) and orders/)
    }
  })
})

/** VolumeAttachments arrive in any order, with times from API servers whose clocks differ, and `attached` is set late. */
it('in any order of calls and updates, exactly one of the nodes that ask gets the volume', () => {
  const node = fc.constantFrom('a', 'b', 'c')
  const act = fc.oneof(
    fc.record({ kind: fc.constant('make' as const), node, age: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ kind: fc.constantFrom('ask' as const, 'note' as const), node }),
  )
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
      const state = new Map<string, VolumeAttachment>([['a', seen('a', later)]])
      let answered: string | null = null
      const published = new Set<string>()
      const ask = (name: string) => {
        const decision = decide(asked(name), [...state.values()], answered)
        if (decision.kind !== 'publish') return
        answered = decision.attachment.uid
        published.add(name)
      }
      for (const one of acts) {
        const found = state.get(one.node)
        if (one.kind === 'ask') ask(one.node)
        else if (one.kind === 'make' && !found)
          state.set(one.node, seen(one.node, { createdAt: `2026-11-20T22:00:0${one.age}Z` }))
        else if (one.kind === 'note' && found && published.has(one.node))
          state.set(one.node, { ...found, attached: true })
      }
      for (const name of state.keys()) ask(name)
      expect(published.size).toBe(1)
    }),
  )
})
