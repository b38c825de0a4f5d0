import { describe, expect, it } from 'vitest'

import { adoptPublication, mayTakeOver } from '../../../../src/csi/volume/volume-attachment.ts'
import type { Attachment } from '../../../../src/model/attachment.ts'
import { parseKey } from '../../../../src/model/reservation.ts'
import { readRecord } from '../../../../src/state/records/volumes.ts'
import { fakeNode, NAME, staged } from '../../kubernetes/node.ts'

const publication = { attachment: `csi-${'0a'.repeat(32)}`, uid: 'uid-2' }
const former = { ...publication, uid: 'uid-1' }
const fence = { key: parseKey('4c4b0000000100aa'), persists: false }

describe('mayTakeOver allows a takeover', () => {
  const asked = (
    word: 'mine' | 'gone' | 'unreachable' | null,
    given: typeof publication | null = publication,
  ) => {
    const { host } = fakeNode()
    if (word) host.witnesses.kubernetes = async () => word
    return mayTakeOver(host, 'orders', given)
  }

  it('only if Kubernetes confirms that the volume is attached to this node', async () => {
    expect(await asked('mine')).toBe(true)
    expect(await asked('unreachable')).toBe(false)
    expect(await asked(null)).toBe(false)
    expect(await asked('mine', null)).toBe(false)
  })

  it('never for a call from long ago, after Kubernetes has taken the volume away', async () => {
    await expect(asked('gone')).rejects.toThrow(/OWNED_ELSEWHERE: orders is no longer given to this node/)
  })
})

describe('adoptPublication: a volume that is already staged', () => {
  async function adopted(existing: Partial<Attachment>, given: typeof publication | null = publication) {
    const { host, record } = fakeNode()
    const before = { ...staged, ...existing }
    record(before)
    await adoptPublication(host, before, given, new AbortController().signal)
    return readRecord(host, NAME)?.publication
  }

  it('gets the VolumeAttachment that Kubernetes has created since', async () => {
    expect(await adopted({})).toEqual(publication)
    expect(await adopted({}, null)).toBeUndefined()
  })

  it('keeps its VolumeAttachment', async () => {
    expect(await adopted({ publication })).toEqual(publication)
    expect(await adopted({ publication }, null)).toEqual(publication)
  })

  it('with another VolumeAttachment is adopted only if it has a reservation', async () => {
    expect(await adopted({ publication: former, fence })).toEqual(publication)
    await expect(adopted({ publication: former })).rejects.toThrow(/another node may have had it since/)
  })

  it('is not changed while it is being detached', async () => {
    expect(await adopted({ phase: 'detaching' })).toBeUndefined()
  })
})
