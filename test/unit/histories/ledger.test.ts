import { describe, expect, it } from 'vitest'

import { Ledger, UNWRITTEN } from '../../histories/ledger.ts'

describe('what a block may hold', () => {
  it('nothing but what it held, before anything is written', () => {
    expect(new Ledger().allowed(1)).toEqual([UNWRITTEN])
  })

  it('the old or the new, while a write has not come back, was lost, or is in memory only', () => {
    const ledger = new Ledger()
    for (const [block, fate] of [
      [1, null],
      [2, 'lost'],
      [3, 'written'],
    ] as const) {
      ledger.issue(block, 7)
      if (fate) ledger.settle(block, 7, fate)
      expect(ledger.allowed(block)).toEqual([UNWRITTEN, 7])
      expect(ledger.confirmed(block)).toBe(UNWRITTEN)
    }
  })

  it('after confirmation only the new block is allowed, and never an older one again', () => {
    const ledger = new Ledger()
    ledger.issue(1, 7)
    ledger.settle(1, 7, 'lost')
    ledger.issue(1, 8)
    ledger.settle(1, 8, 'synced')
    expect(ledger.allowed(1)).toEqual([8])
  })

  it('what a detach without force left in memory is confirmed; what was given up in words is not', () => {
    const ledger = new Ledger()
    ledger.issue(1, 7)
    ledger.settle(1, 7, 'written')
    ledger.excuse()
    ledger.issue(2, 8)
    ledger.settle(2, 8, 'written')
    ledger.confirmWritten()
    expect(ledger.allowed(1)).toEqual([UNWRITTEN, 7])
    expect(ledger.allowed(2)).toEqual([8])
  })

  it('a write that comes back late settles nothing that was confirmed since', () => {
    const ledger = new Ledger()
    ledger.issue(1, 7)
    ledger.issue(1, 8)
    ledger.settle(1, 8, 'synced')
    ledger.settle(1, 7, 'synced')
    expect(ledger.allowed(1)).toEqual([8])
  })
})
