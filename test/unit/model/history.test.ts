import { describe, expect, it } from 'vitest'

import { outagesOf, summariesOf } from '../../../src/model/history-summary.ts'
import { HistoryThrottle, OUTAGES_PER_HOUR } from '../../../src/model/history-throttle.ts'
import type { Happening, HistoryEvent, HoldMoment } from '../../../src/model/history.ts'
import { happeningsOf } from '../../../src/model/history.ts'
import type { HoldNote } from '../../../src/model/hold-note.ts'
import { returnedSinceMs } from '../../../src/model/plan/hold-returned.ts'

const SINCE = '2026-11-28T03:00:00.000Z'
const holding: HoldNote = { since: SINCE, sinceMs: 1_000, ended: null, trouble: null }
const moment: HoldMoment = {
  wallMs: Date.parse(SINCE) + 41_200,
  nowMs: 42_240,
  mode: 'map',
  wanted: 600,
  backMs: null,
}

describe('what a change of a hold note tells', () => {
  it.for<[string, HoldNote | null, HoldNote | null, Partial<HoldMoment>, object[]]>([
    [
      'all paths are lost',
      null,
      holding,
      {},
      [{ event: 'outage-began', since: SINCE, mode: 'map', hold: 600 }],
    ],
    [
      'the session holds it, with its own deadline',
      null,
      { ...holding, deadline: null },
      { mode: 'session' },
      [{ event: 'outage-began', since: SINCE, mode: 'session', hold: 600, deadline: null }],
    ],
    [
      'I/O resumes',
      holding,
      null,
      { backMs: 42_000 },
      [{ event: 'outage-ended', since: SINCE, seconds: 41.2, io: 'waited', how: 'returned', returnMs: 240 }],
    ],
    [
      'the hold ends',
      holding,
      { ...holding, ended: 'deadline' },
      {},
      [{ event: 'hold-ended', since: SINCE, how: 'deadline', seconds: 41.2 }],
    ],
    [
      'usable again after the hold had ended',
      { ...holding, ended: 'give-up' },
      null,
      {},
      [{ event: 'outage-ended', since: SINCE, seconds: 41.2, io: 'failed', how: 'give-up', returnMs: null }],
    ],
    [
      'another node takes it',
      holding,
      { ...holding, ended: 'fenced', kind: 'fenced', trouble: 'taken', holder: 'iqn.x:b' },
      {},
      [
        {
          event: 'hold-ended',
          since: SINCE,
          how: 'fenced',
          seconds: 41.2,
          holder: 'iqn.x:b',
          trouble: 'taken',
        },
      ],
    ],
    [
      'another volume answered, and no path was lost',
      null,
      { ...holding, ended: 'misplaced', kind: 'misplaced', trouble: 'not it' },
      {},
      [{ event: 'hold-ended', since: SINCE, how: 'misplaced', seconds: 41.2, trouble: 'not it' }],
    ],
    [
      'another volume answers in the outage',
      holding,
      { ...holding, kind: 'stranger', trouble: 'not it' },
      {},
      [{ event: 'trouble', kind: 'stranger', text: 'not it' }],
    ],
    [
      'only the words change',
      { ...holding, kind: 'stranger', trouble: 'a' },
      { ...holding, kind: 'stranger', trouble: 'b' },
      {},
      [],
    ],
    [
      'another outage at once',
      holding,
      { ...holding, since: '2026-11-28T03:00:40.000Z', sinceMs: 41_000 },
      {},
      [{ event: 'outage-ended' }, { event: 'outage-began', since: '2026-11-28T03:00:40.000Z' }],
    ],
    // The clock was set back by an hour during the outage: its length is that of the monotonic clock.
    [
      'the clock was set',
      holding,
      null,
      { wallMs: moment.wallMs - 3_600_000 },
      [{ event: 'outage-ended', seconds: 41.2 }],
    ],
    [
      'the clock was set, and the outage continues',
      holding,
      { ...holding, since: '2026-11-28T02:00:00.000Z' },
      {},
      [],
    ],
  ])('%s', ([, before, after, more, expected]) => {
    expect(happeningsOf(before, after, { ...moment, ...more })).toMatchObject(expected)
  })
})

it('the return of a target counts from its first sign', () => {
  const portal = (openSinceMs: number | null) => ({
    portal: 'p',
    session: null,
    probe: { openSinceMs, confirmedMs: 0, closed: null },
  })
  const memory = { attempts: new Map(), returnedMs: 700 }
  expect(returnedSinceMs({ portals: [portal(null), portal(500)] }, memory)).toBe(500)
  expect(returnedSinceMs({ portals: [] }, memory)).toBe(700)
  expect(returnedSinceMs({ portals: [portal(null)] }, { ...memory, returnedMs: null })).toBeNull()
})

describe('a volume that flaps', () => {
  const began: Happening = { event: 'outage-began', since: SINCE, mode: 'map', hold: 600 }
  const ended = (seconds: number, io: 'waited' | 'failed' = 'waited'): Happening => ({
    event: 'outage-ended',
    since: SINCE,
    seconds,
    io,
    how: 'returned',
    returnMs: null,
  })

  it('is kept one by one up to a number in an hour, then as a number', () => {
    const throttle = new HistoryThrottle()
    const kept: Happening[] = []
    for (let n = 0; n < OUTAGES_PER_HOUR + 5; n++) {
      kept.push(...throttle.pass(began, n * 1_000))
      kept.push(
        ...throttle.pass(
          ended(n === OUTAGES_PER_HOUR + 1 ? 9 : 2, n === OUTAGES_PER_HOUR + 2 ? 'failed' : 'waited'),
          n * 1_000 + 500,
        ),
      )
    }
    expect(kept).toHaveLength(2 * OUTAGES_PER_HOUR)
    const later = throttle.pass(began, 3_700_000)
    expect(later).toEqual([{ event: 'outages', count: 5, failed: 1, seconds: 17, longest: 9 }, began])
    expect(throttle.pass(ended(1), 3_701_000)).toEqual([ended(1)])
    expect(throttle.drain()).toEqual([])
  })

  it('what a user does, and the end of a hold, is always kept', () => {
    const throttle = new HistoryThrottle()
    for (let n = 0; n <= OUTAGES_PER_HOUR; n++) throttle.pass(began, n)
    const lost: Happening = { event: 'hold-ended', since: SINCE, how: 'deadline', seconds: 600 }
    expect(throttle.pass(lost, 100)).toEqual([lost])
    expect(throttle.pass(ended(700, 'failed'), 200)).toEqual([])
    expect(throttle.drain()).toMatchObject([{ count: 1, failed: 1 }])
  })
})

describe('outages by their events', () => {
  const now = { at: '2026-11-28T12:00:00.000Z', boot: 'b', ms: 100_000 }
  const at = (ms: number, happening: Happening, boot = 'b'): HistoryEvent => ({
    at: new Date(Date.parse(now.at) - (now.ms - ms)).toISOString(),
    boot,
    ms,
    volume: 'db',
    by: null,
    ...happening,
  })
  const begin = (ms: number, boot?: string) =>
    at(ms, { event: 'outage-began', since: SINCE, mode: 'map', hold: 600 }, boot)
  const end = (ms: number, seconds: number) =>
    at(ms, { event: 'outage-ended', since: SINCE, seconds, io: 'waited', how: 'returned', returnMs: 5 })

  it('a beginning and an end are one; an end without its beginning is one, too', () => {
    expect(outagesOf([begin(1_000), end(42_000, 41), end(50_000, 3)], now)).toMatchObject([
      { volume: 'db', seconds: 41, io: 'waited', how: 'returned', returnMs: 5 },
      { seconds: 3, how: 'returned' },
    ])
  })

  it('one that has not ended is as long as it is; one before a restart ended unseen', () => {
    expect(outagesOf([begin(90_000)], now)).toMatchObject([{ seconds: 10, how: null, io: null }])
    expect(outagesOf([begin(90_000, 'a')], now)).toMatchObject([{ seconds: null, how: 'unseen' }])
    expect(outagesOf([begin(1_000, 'a'), begin(90_000)], now)).toMatchObject([
      { how: 'unseen' },
      { how: null, seconds: 10 },
    ])
  })

  it('a hold that was given up cost I/O, and a detach ends an outage', () => {
    const events = [
      begin(1_000),
      at(5_000, { event: 'gave-up' }),
      at(9_000, { event: 'detached', forced: true }),
    ]
    expect(outagesOf(events, now)).toMatchObject([{ io: 'failed', how: 'detached', seconds: 8 }])
  })

  it('summariesOf counts the outages of today, and all; one that reached into today is of today', () => {
    const midnight = Date.parse(now.at) - 60_000
    const early = { ...end(10_000, 7), since: '2026-11-20T00:00:00.000Z' } as HistoryEvent
    const over = { ...end(50_000, 41), since: new Date(midnight - 1_000).toISOString() } as HistoryEvent
    const flaps = at(60_000, { event: 'outages', count: 3, failed: 1, seconds: 9, longest: 5 })
    expect(summariesOf([early, over, flaps], now, midnight)).toEqual([
      {
        name: 'db',
        today: { count: 4, failed: 1, longest: 41 },
        all: { count: 5, failed: 1, longest: 41 },
        from: early.at,
      },
    ])
  })
})
