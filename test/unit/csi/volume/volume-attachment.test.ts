import { describe, expect, it } from 'vitest'

import { mayTakeOver } from '../../../../src/csi/volume/volume-attachment.ts'
import { fakeNode } from '../../kubernetes/node.ts'

const publication = { attachment: `csi-${'0a'.repeat(32)}`, uid: 'uid-2' }

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
