import { beforeEach, describe, expect, it } from 'vitest'

import type { HoldNote } from '../../../../src/model/hold-note.ts'
import { readHoldNote, writeHoldNote } from '../../../../src/state/records/hold-note.ts'
import { endMisplaced, refuseGivenUp } from '../../../../src/volumes/holding/misplaced.ts'
import type { FakeNode } from '../../kubernetes/node.ts'
import { fakeNode, NAME, staged } from '../../kubernetes/node.ts'

let node: FakeNode

beforeEach(() => {
  node = fakeNode()
})

const since = '2026-11-29T10:00:00.000Z'

describe.each([
  ['misplaced', 'IDENTITY_MISMATCH'],
  ['fenced', 'FENCED'],
] as const)('a volume that became %s while it was being attached', (kind, code) => {
  const note: HoldNote = { since, ended: kind, kind, trouble: 'why' }

  it('stays so: the attach fails', () => {
    writeHoldNote(node.host, NAME, note)
    for (const act of [refuseGivenUp, endMisplaced])
      expect(() => act(node.host, staged, true)).toThrow(expect.objectContaining({ code }))
    expect(readHoldNote(node.host, NAME)).toMatchObject({ kind })
  })

  it('is attached again once it has been unmounted', () => {
    writeHoldNote(node.host, NAME, { ...note, isClear: true })
    endMisplaced(node.host, staged, true)
    expect(readHoldNote(node.host, NAME)).toBeNull()
  })
})

it('an outage does not keep a volume from being attached', () => {
  writeHoldNote(node.host, NAME, { since, ended: null, trouble: null })
  endMisplaced(node.host, staged, true)
  expect(readHoldNote(node.host, NAME)).not.toBeNull()
})
