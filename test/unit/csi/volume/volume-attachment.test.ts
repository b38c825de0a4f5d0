import { describe, expect, it } from 'vitest'

import { mayTakeOver, refuseFormerPublication } from '../../../../src/csi/volume/volume-attachment.ts'
import type { Attachment } from '../../../../src/model/attachment.ts'
import { parseKey } from '../../../../src/model/reservation.ts'
import { fakeNode, staged } from '../../kubernetes/node.ts'

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
    await expect(asked('gone')).rejects.toMatchObject({
      code: 'OWNED_ELSEWHERE',
      message: expect.stringContaining('orders is no longer given to this node'),
    })
  })
})

describe('refuseFormerPublication: a volume that is already staged', () => {
  const refused = (existing: Partial<Attachment>, given: typeof publication | null = publication) =>
    refuseFormerPublication({ ...staged, ...existing }, given)

  it('is staged again with the VolumeAttachment that Kubernetes has created since, and with its own', () => {
    refused({})
    refused({ publication })
    refused({ publication: former }, null)
  })

  it('with another VolumeAttachment is staged again only if it has a reservation', () => {
    refused({ publication: former, fence })
    expect(() => refused({ publication: former })).toThrow(/another node may have had it since/)
  })
})
