import { afterEach, describe, expect, test, vi } from 'vitest'

import { PROOF_LIFETIME_MS, WriteProof } from '../../../src/host/proof/issue.ts'

afterEach(() => vi.useRealTimers())

describe('a WriteProof', () => {
  test('covers the devices that were asked and no others', () => {
    const proof = new WriteProof(['8:0', '254:0'])
    proof.require('8:0')
    proof.require('254:0')
    expect(() => proof.require('8:16')).toThrow(expect.objectContaining({ code: 'PROOF_EXPIRED' }))
  })

  test('expires, so that a process that was stopped in between must ask again', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const proof = new WriteProof(['8:0'])
    vi.advanceTimersByTime(PROOF_LIFETIME_MS - 1)
    proof.require('8:0')
    vi.advanceTimersByTime(2)
    expect(() => proof.require('8:0')).toThrow(expect.objectContaining({ code: 'PROOF_EXPIRED' }))
  })
})
