import { describe, expect, it } from 'vitest'

import { adoptPublication, mayTakeOver } from '../../../../src/csi/volume/volume-attachment.ts'
import type { Attachment } from '../../../../src/model/attachment.ts'
import { parseKey } from '../../../../src/model/reservation.ts'
import { readRecord } from '../../../../src/state/records/volumes.ts'
import { fakeNode, NAME, staged } from '../../kubernetes/node.ts'

const publication = { attachment: `csi-${'0a'.repeat(32)}`, uid: 'uid-2' }
const former = { ...publication, uid: 'uid-1' }
const fence = { key: parseKey('4c4b0000000100aa'), persists: false }

describe('a volume is taken from another node', () => {
  const asked = (
    word: 'mine' | 'gone' | 'unreachable' | null,
    given: typeof publication | null = publication,
  ) => {
    const { host } = fakeNode()
    if (word) host.witnesses.kubernetes = async () => word
    return mayTakeOver(host, 'orders', given)
  }

  it('only while Kubernetes says that this node has it', async () => {
    expect(await asked('mine')).toBe(true)
    expect(await asked('unreachable')).toBe(false)
    expect(await asked(null)).toBe(false)
    expect(await asked('mine', null)).toBe(false)
  })

  it('never by a call of long ago: Kubernetes has taken it from this node again', async () => {
    await expect(asked('gone')).rejects.toThrow(/OWNED_ELSEWHERE: orders is no longer given to this node/)
  })
})

describe('a volume that is staged already', () => {
  async function adopted(existing: Partial<Attachment>, given: typeof publication | null = publication) {
    const { host, record } = fakeNode()
    const before = { ...staged, ...existing }
    record(before)
    await adoptPublication(host, before, given, new AbortController().signal)
    return readRecord(host, NAME)?.publication
  }

  it('without a VolumeAttachment gets the one that Kubernetes has made since', async () => {
    expect(await adopted({})).toEqual(publication)
    expect(await adopted({}, null)).toBeUndefined()
  })

  it('keeps what it has', async () => {
    expect(await adopted({ publication })).toEqual(publication)
    expect(await adopted({ publication }, null)).toEqual(publication)
  })

  it('under another VolumeAttachment goes on only if a reservation tells that no other node had it', async () => {
    expect(await adopted({ publication: former, fence })).toEqual(publication)
    await expect(adopted({ publication: former })).rejects.toThrow(/another node may have had it since/)
  })

  it('is not changed by a call that came late: it is being detached', async () => {
    expect(await adopted({ phase: 'detaching' })).toBeUndefined()
  })
})
