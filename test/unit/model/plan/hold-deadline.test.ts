import { describe, expect, it } from 'vitest'

import type { HoldNote } from '../../../../src/model/hold-note.ts'
import type { Hold } from '../../../../src/model/hold.ts'
import { holdDeadline, holdEnd } from '../../../../src/model/plan/hold-deadline.ts'
import {
  closed,
  failed,
  later,
  lostPath,
  note,
  NOW_MS,
  plan,
  portalOf,
  said,
  stepOf,
  WALL_MS,
} from './hold-setup.ts'

describe('the deadline of a hold', () => {
  const shutdown = (afterSeconds: number, seconds: number) => ({
    since: new Date(WALL_MS + afterSeconds * 1000).toISOString(),
    sinceMs: NOW_MS + afterSeconds * 1000,
    seconds,
  })

  it.each<[string, HoldNote, Hold, ReturnType<typeof shutdown> | null, number | null, string | null]>([
    ['is its length after the loss', note(), 600, null, 600_000, 'hold'],
    ['is the grace where both end together', note(), 30, shutdown(0, 30), 30_000, 'shutdown'],
    ['is never for a hold without end', note(), 'forever', null, null, null],
    [
      'is what the session or multipathd says, where they count',
      note({ deadline: new Date(WALL_MS + 120_000).toISOString() }),
      600,
      null,
      120_000,
      'holder',
    ],
    ['is never where they say so', note({ deadline: null }), 600, shutdown(0, 1), null, null],
    ['is the grace of a shutdown, from the shutdown on', note(), 600, shutdown(100, 30), 130_000, 'shutdown'],
    [
      'is the grace from the loss on, where the shutdown began before',
      note(),
      600,
      shutdown(-100, 30),
      30_000,
      'shutdown',
    ],
    ['is its own where the shutdown leaves more', note(), 60, shutdown(100, 30), 60_000, 'hold'],
    ['is the grace also for a hold without end', note(), 'forever', shutdown(5, 30), 35_000, 'shutdown'],
    [
      'is counted by the wall clock for a note that has no other',
      note({ sinceMs: undefined }),
      600,
      shutdown(100, 30),
      130_000,
      'shutdown',
    ],
  ])('%s', (_, of, wanted, grace, afterMs, by) => {
    const end = holdEnd(of, wanted, grace)
    expect(end).toEqual(afterMs === null ? null : { afterMs, by })
    expect(holdDeadline(of, wanted, grace)).toBe(
      afterMs === null ? null : new Date(WALL_MS + afterMs).toISOString(),
    )
  })

  it('ends the hold, and not before it', () => {
    const lost = { note: note(), map: failed, paths: [lostPath], portals: [portalOf(lostPath, closed)] }
    const before = plan({ ...lost, ...later(599_999) })
    expect(before.state).toBe('holding')
    expect(before.lookAtMs).toBeLessThanOrEqual(NOW_MS + 600_000)
    const over = plan({ ...lost, ...later(600_000) })
    expect(over.state).toBe('failed')
    expect(stepOf(over, 'record')!.note).toMatchObject({ ended: 'deadline' })
    expect(stepOf(over, 'queue')).toMatchObject({ on: false })
    expect(said(over)).toContain('the hold of 600 s is over: held I/O fails now')
  })

  it('of a shutdown is a give-up', () => {
    const lost = { note: note(), map: failed, paths: [lostPath], portals: [portalOf(lostPath, closed)] }
    const over = plan({ ...lost, ...later(30_000), shutdown: shutdown(0, 30) })
    expect(stepOf(over, 'record')!.note).toMatchObject({ ended: 'give-up' })
  })
})
