import { describe, expect, test, vi } from 'vitest'

import * as clock from '../../../src/host/clock.ts'
import { PROOF_LIFETIME_MS, PROOF_LONGEST_MS, WriteProof } from '../../../src/host/proof/issue.ts'

const { now } = vi.hoisted(() => ({ now: { ms: 1_000_000 } }))
vi.mock(import('../../../src/host/clock.ts'), async (original) => ({
  ...(await original()),
  sinceBootMs: () => now.ms,
}))

const expired = expect.objectContaining({ code: 'PROOF_EXPIRED' })

describe('a WriteProof', () => {
  test('covers the devices that were asked and no others', () => {
    const proof = new WriteProof(['8:0', '254:0'], clock.sinceBootMs(), () => false)
    proof.require('8:0')
    proof.require('254:0')
    expect(() => proof.require('8:16')).toThrow(expired)
  })

  test('expires, so that a process that was stopped in between must ask again', () => {
    const proof = new WriteProof(['8:0'], clock.sinceBootMs(), () => false)
    now.ms += PROOF_LIFETIME_MS
    proof.require('8:0')
    now.ms += 1
    expect(() => proof.require('8:0')).toThrow(expired)
  })

  test('expires if a session has reconnected', () => {
    let isOutdated = false
    const proof = new WriteProof(['8:0'], clock.sinceBootMs(), () => isOutdated)
    proof.require('8:0')
    isOutdated = true
    expect(() => proof.require('8:0')).toThrow(expired)
  })

  test('is not valid if the process was stopped between the answers and the proof', () => {
    const askedAtMs = clock.sinceBootMs()
    now.ms += PROOF_LONGEST_MS
    const proof = new WriteProof(['8:0'], askedAtMs, () => false)
    proof.require('8:0')
    now.ms += 1
    expect(() => proof.require('8:0')).toThrow(expired)
  })
})
