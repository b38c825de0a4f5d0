import { describe, expect, it } from 'vitest'

import { afterStep } from '../../../../src/model/plan/hold-results.ts'
import { stateOfHold } from '../../../../src/model/plan/hold-state.ts'
import {
  active,
  facts,
  failed,
  kinds,
  later,
  lostPath,
  memory,
  note,
  NOW_MS,
  path,
  plan,
  portalOf,
  said,
  stepOf,
  WALL_MS,
  proven,
} from './hold-setup.ts'

describe('an outage', () => {
  const lost = { map: active, paths: [lostPath], portals: [portalOf(lostPath, null)] }

  it('begins when the last path is lost: recorded, and the path is failed', () => {
    const begun = plan(lost)
    expect(kinds(begun)).toEqual(['record', 'fail'])
    expect(stepOf(begun, 'record')!.note).toEqual(note())
    expect(said(begun)).toContain('all paths lost; holding I/O for up to 600 s')
  })

  it('has a map that does not queue queue before its path is failed', () => {
    const begun = plan({ ...lost, map: { ...active, queueing: false } })
    expect(kinds(begun)).toEqual(['record', 'queue', 'fail'])
  })

  it('is over once a request has ended, and not before', () => {
    const outage = memory({ ...proven, completed: 10 })
    const returned = { note: note(), ...later(5_000) }
    const trial = plan({ ...returned, io: { completed: 10, inFlight: 1 } }, outage)
    expect(kinds(trial)).toEqual([])
    expect(trial).toMatchObject({ state: 'holding', lookAtMs: NOW_MS + 5_050 })
    const over = plan({ ...returned, ...later(5_050), io: { completed: 11, inFlight: 1 } }, trial.memory)
    expect(stepOf(over, 'record')).toEqual({ kind: 'record', note: null })
    expect(said(over)).toEqual(['I/O resumed after 5 s'])
    // A request that has been in flight for long has not ended.
    const slow = { ...returned, ...later(60_000), io: { completed: 10, inFlight: 1 } }
    expect(plan(slow, trial.memory).state).toBe('holding')
    // The first look after a return only begins the trial.
    const first = plan({ ...returned, io: { completed: 11, inFlight: 1 }, mapReadMs: NOW_MS }, outage)
    expect(first).toMatchObject({ ask: null, state: 'holding' })
    // The request that ended may not be the one for which the kernel failed the path: the map is read again.
    const isOver = { ...returned, ...later(5_050), io: { completed: 11, inFlight: 1 } }
    expect(plan({ ...isOver, mapReadMs: NOW_MS + 5_000 }, trial.memory).ask).toBe('map')
    expect(plan({ ...isOver, mapReadMs: NOW_MS + 5_001 }, trial.memory)).toMatchObject({
      ask: null,
      state: 'ready',
    })
    // An idle volume has no request that could end.
    const idle = plan({ note: note(), ...later(5_301) }, trial.memory)
    expect(idle.state).toBe('ready')
  })

  it('tries each path for itself: one that failed in its trial gives none of its time to the next', () => {
    const other = { ...path, sid: 2, devno: '8:16', connection: '40002' }
    const verified = new Map([...proven.verified, [2, { kind: 'proven', connection: '40002' } as const]])
    const trial = memory({ ...proven, verified, completed: 10, returnedMs: NOW_MS - 290 })
    const next = plan(
      {
        note: note(),
        ...later(20),
        paths: [path, other],
        map: { queueing: true, paths: [{ devno: '8:16', active: true }] },
      },
      trial,
    )
    expect(next.state).toBe('holding')
    expect(next.memory.returnedMs).toBe(NOW_MS + 20)
  })

  it.each([
    [29_000, true],
    [30_000, false],
  ])(
    'that comes back %s ms after the last, with a target that answers and fails I/O, continues it: %s',
    (agoMs, isSameOutage) => {
      const lastOutage = {
        since: new Date(WALL_MS - 60_000).toISOString(),
        sinceMs: NOW_MS - 60_000,
        endedMs: NOW_MS - agoMs,
      }
      const again = plan({ map: failed }, memory({ ...proven, lastOutage }))
      expect(stepOf(again, 'record')!.note).toMatchObject({
        sinceMs: isSameOutage ? NOW_MS - 60_000 : NOW_MS,
      })
      // If the target is away, that is a different outage.
      const away = plan(lost, memory({ ...proven, lastOutage }))
      expect(stepOf(away, 'record')!.note).toMatchObject({ sinceMs: NOW_MS })
    },
  )

  it('whose hold was over does not end before its file system was recovered', () => {
    const ended = { note: note({ ended: 'deadline' }) }
    const first = plan(ended)
    expect(kinds(first)).toEqual(['recover'])
    expect(first.state).toBe('failed')
    expect(kinds(plan(ended, first.memory))).toEqual([])
    const broken = afterStep(facts(ended), first.memory, { kind: 'recover', trouble: 'its users' })
    expect(stepOf(plan(ended, broken.memory), 'record')!.note).toMatchObject({
      kind: 'broken',
      trouble: 'its users',
    })
    const usable = afterStep(facts(ended), first.memory, { kind: 'recover', trouble: null })
    expect(plan(ended, usable.memory)).toMatchObject({ state: 'ready', isSettled: true })
  })

  it('that begins again while its file system is recovered makes the recovery void', () => {
    const ended = { note: note({ ended: 'deadline' }) }
    const first = plan(ended)
    const again = plan({ ...ended, ...lost }, first.memory)
    const usable = afterStep(facts(ended), again.memory, { kind: 'recover', trouble: null })
    const back = plan({ ...ended, ...later(10_000) }, { ...usable.memory, verified: proven.verified })
    expect(back.state).toBe('failed')
    expect(kinds(back)).toEqual(['recover'])
  })

  it.each([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])(
    'recovers again after %s ms where it failed once more',
    (pauseMs) => {
      const failures = [2_000, 4_000, 8_000, 16_000, 32_000, 60_000].indexOf(pauseMs)
      const recovery = {
        isBusy: true,
        isVoid: false,
        failures: Math.max(failures, pauseMs === 60_000 ? 9 : 0),
        nextMs: 0,
        result: null,
      }
      const result =
        pauseMs === 1_000
          ? ({ kind: 'recover', trouble: null } as const)
          : ({ kind: 'recover-failed', refused: { cause: 'unreachable', message: 'why' } } as const)
      const after = afterStep(facts(), memory({ recovery }), result)
      expect(after.memory.recovery).toMatchObject({ isBusy: false, nextMs: NOW_MS + pauseMs })
    },
  )

  it('searches for another address once it lasts for 3 s', () => {
    const first = plan(lost)
    expect(kinds(first)).not.toContain('search-portal')
    expect(kinds(plan({ ...lost, note: note(), ...later(3_000) }, first.memory))).toContain('search-portal')
  })
})

it.each([
  [null, null],
  [note(), 'holding'],
  [note({ ended: 'give-up' }), 'failed'],
  [note({ ended: 'misplaced', kind: 'misplaced' }), 'misplaced'],
  [note({ ended: 'fenced', kind: 'fenced' }), 'fenced'],
])('the note %o says %s', (of, state) => expect(stateOfHold(of)).toBe(state))
