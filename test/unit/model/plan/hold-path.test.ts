import { describe, expect, it } from 'vitest'

import type { ProbeResult, Refusal } from '../../../../src/model/plan/hold-facts.ts'
import { NO_ATTEMPT } from '../../../../src/model/plan/hold-path.ts'
import { afterStep } from '../../../../src/model/plan/hold-results.ts'
import { MAX_PENDING_PROBES, nextProbeMs } from '../../../../src/model/plan/hold-search.ts'
import { planHold } from '../../../../src/model/plan/hold.ts'
import {
  closed,
  facts,
  failed,
  kinds,
  later,
  lostPath,
  memory,
  note,
  NOW_MS,
  open,
  path,
  plan,
  PORTAL,
  portalOf,
  proven,
  said,
  stepOf,
} from './hold-setup.ts'

describe('a path', () => {
  it('that carries I/O, and was proven, needs nothing', () => {
    expect(plan()).toMatchObject({
      steps: [],
      state: 'ready',
      isSettled: true,
      lookAtMs: Infinity,
      checks: [1],
    })
  })

  it('that the agent has never asked is asked while it carries I/O', () => {
    const first = plan({}, memory())
    expect(kinds(first)).toEqual(['verify'])
    expect(first).toMatchObject({ state: 'ready', isSettled: false })
    const step = stepOf(first, 'verify')!
    const proven = { kind: 'verify', step, refused: null } as const
    const { memory: after } = afterStep(facts(), first.memory, proven)
    expect(plan({}, after).isSettled).toBe(true)
  })

  it('that turns out to be another volume is misplaced, since it has carried I/O', () => {
    const first = plan({}, memory())
    const step = stepOf(first, 'verify')!
    const refused = { cause: 'foreign', message: 'sda is another volume' } as const
    const { steps } = afterStep(facts(), first.memory, { kind: 'verify', step, refused })
    expect(steps.map(({ kind }) => kind)).toEqual(['fail', 'record', 'say', 'drop-disk', 'say'])
  })

  it('that reconnected is failed before it is asked, and I/O is held meanwhile', () => {
    const reconnected = { ...path, connection: '40001' }
    const lost = plan({ paths: [reconnected], portals: [portalOf(reconnected)] })
    expect(kinds(lost)).toEqual(['record', 'fail', 'return'])
    expect(stepOf(lost, 'return')).toMatchObject({
      path: { sid: 1, devno: '8:0' },
      steps: ['verify', 'reinstate'],
    })
    expect(lost.state).toBe('holding')
  })

  it('that is lost has its session logged out while its target takes no logins, and is made once it does', () => {
    const lost = { map: failed, paths: [lostPath], portals: [portalOf(lostPath, closed)] }
    const ending = plan(lost)
    const step = stepOf(ending, 'return')!
    expect(step).toMatchObject({ path: null, steps: ['log-out'] })
    // Not twice.
    expect(stepOf(plan({ ...lost, ...later(50) }, ending.memory), 'return')).toBeUndefined()
    const came = { kind: 'logged-out' } as const
    const ended = afterStep(facts(lost), ending.memory, { kind: 'return', step, came })
    expect(ended.lookAtMs).toBe(0)
    const away = { map: failed, paths: [], portals: [portalOf(null, closed)], ...later(100) }
    const waiting = plan(away, ended.memory)
    expect(stepOf(waiting, 'return')).toBeUndefined()
    expect(waiting.probes).toEqual([{ portal: PORTAL, sinceMs: NOW_MS }])
    const opened = { openSinceMs: NOW_MS + 200, confirmedMs: NOW_MS + 200, closed: null }
    const back = plan({ ...away, portals: [portalOf(null, opened)], ...later(200) }, waiting.memory)
    expect(stepOf(back, 'return')!.steps).toEqual(['log-out', 'make-path', 'verify', 'load-table'])
  })

  it.each([
    ['with many disks', { disks: 5 }],
    ['with a disk that is not on a hold map', { isAllHeld: false }],
    ['without disks, which may be the login of another program', { disks: 0 }],
    ['of another program', { isOurs: false }],
    ['that has not been looked at', { disks: null, isAllHeld: null }],
  ] as const)('that is lost keeps a session %s while its target takes no logins', (_, seen) => {
    const { session, ...portal } = portalOf(lostPath, closed)
    const portals = [{ ...portal, session: { ...session!, ...seen } }]
    const waiting = plan({ map: failed, paths: [lostPath], portals })
    expect(stepOf(waiting, 'return')).toBeUndefined()
  })

  it('whose session cannot be logged out tries that again after 5 s, and is made at once when its target is back', () => {
    const lost = { map: failed, paths: [lostPath], portals: [portalOf(lostPath, closed)] }
    const ending = plan(lost)
    const refused = { cause: 'unreachable', message: 'iscsid does not run' } as const
    const came = { kind: 'refused', refused } as const
    const step = stepOf(ending, 'return')!
    const kept = afterStep(facts(lost), ending.memory, { kind: 'return', step, came })
    const waiting = plan({ ...lost, ...later(4_900) }, kept.memory)
    expect(stepOf(waiting, 'return')).toBeUndefined()
    expect(said(waiting)).toContain('its lost session remains: iscsid does not run')
    expect(stepOf(plan({ ...lost, ...later(5_000) }, waiting.memory), 'return')!.steps).toEqual(['log-out'])
    const opened = { openSinceMs: NOW_MS + 4_900, confirmedMs: NOW_MS + 4_900, closed: null }
    const portals = [portalOf(lostPath, opened)]
    const back = plan({ ...lost, portals, ...later(4_900) }, waiting.memory)
    expect(stepOf(back, 'return')!.steps).toHaveLength(4)
  })

  it.each<[string, ProbeResult | null, boolean]>([
    ['waits where nothing has been asked yet', null, false],
    ['is made as soon as the target takes logins', open, true],
    ['waits where only an answer from before its loss is known', { ...open, confirmedMs: NOW_MS - 1 }, false],
  ])('that is lost %s', (_, probe, isMade) => {
    const lost = plan({ map: failed, paths: [lostPath], portals: [portalOf(lostPath, probe)] })
    expect(stepOf(lost, 'return')?.steps ?? null).toEqual(
      isMade ? ['log-out', 'make-path', 'verify', 'load-table'] : null,
    )
    expect(lost.probes).toEqual(isMade ? [] : [{ portal: PORTAL, sinceMs: NOW_MS }])
  })

  it('of a session with many disks waits 3 s for iscsid to recover it, and is verified at once if it did', () => {
    const lost = { map: failed, paths: [lostPath], portals: [portalOf(lostPath, open, 5)] }
    const waiting = plan(lost)
    expect(stepOf(waiting, 'return')).toBeUndefined()
    expect(waiting.lookAtMs).toBeLessThanOrEqual(NOW_MS + 3_000)
    const back = { ...path, connection: '40001' }
    const recovered = plan({ map: failed, portals: [portalOf(back, open, 5)], paths: [back] }, waiting.memory)
    expect(stepOf(recovered, 'return')!.steps).toEqual(['verify', 'reinstate'])
    const given = plan({ ...lost, ...later(3_000) }, waiting.memory)
    expect(stepOf(given, 'return')!.steps[0]).toBe('log-out')
  })

  it('that is lost once more trusts no answer from before, whatever it waited for at first', () => {
    const attempts = new Map([[PORTAL, { ...NO_ATTEMPT, waitsSinceMs: NOW_MS - 9_000 }]])
    const blocked = { ...path, diskState: 'transport-offline' }
    const back = plan(
      { map: failed, paths: [blocked], portals: [portalOf(blocked)] },
      memory({ ...proven, attempts }),
    )
    const probe = { openSinceMs: NOW_MS - 5_000, confirmedMs: NOW_MS - 5_000, closed: null }
    const lost = { map: failed, paths: [lostPath], portals: [portalOf(lostPath, probe)], ...later(100) }
    expect(stepOf(plan(lost, back.memory), 'return')).toBeUndefined()
  })

  it('whose session is back before its disk waits for that for 2 s', () => {
    const blocked = { ...path, diskState: 'transport-offline' }
    const waiting = plan({ map: failed, paths: [blocked], portals: [portalOf(blocked)] })
    expect(stepOf(waiting, 'return')).toBeUndefined()
    expect(waiting.lookAtMs).toBe(NOW_MS + 50)
    const given = plan(
      { map: failed, paths: [blocked], portals: [portalOf(blocked)], ...later(2_050) },
      waiting.memory,
    )
    expect(stepOf(given, 'return')!.steps).toEqual(['make-path', 'verify', 'load-table'])
  })

  it.each<[Refusal, number, boolean]>([
    ['unreachable', 300, false],
    ['foreign', 0, true],
    ['absent', 0, true],
    ['unknown', 1_000, false],
  ])('that is refused as %s is tried again after %s ms', (cause, pauseMs, searches) => {
    const lost = { map: failed, portals: [portalOf(path)], note: note() }
    const first = plan(lost)
    const step = stepOf(first, 'return')!
    const came = { kind: 'refused', refused: { cause, message: 'why' } } as const
    const after = afterStep(facts(lost), first.memory, { kind: 'return', step, came })
    expect(after.lookAtMs).toBe(NOW_MS + pauseMs)
    const next = plan({ ...lost, ...later(pauseMs) }, after.memory)
    expect(stepOf(next, 'return')!.steps[0]).toBe(searches ? 'search-lun' : 'verify')
    // The search found nothing, and that will not change soon.
    const again = afterStep(facts(lost), next.memory, { kind: 'return', step: stepOf(next, 'return')!, came })
    if (searches) expect(again.lookAtMs).toBe(NOW_MS + 1_000)
  })

  it('whose owner could not be asked is tried again as soon as that is possible', () => {
    const lost = { map: failed, portals: [portalOf(path)], note: note() }
    const first = plan(lost)
    const step = stepOf(first, 'return')!
    const refusedAs = (cause: Refusal) => {
      const came = { kind: 'refused', refused: { cause, message: 'why' } } as const
      return afterStep(facts({ ...lost, ...later(100) }), first.memory, { kind: 'return', step, came }).memory
    }
    const returns = (cause: Refusal, backMs: number | null) =>
      stepOf(plan({ ...lost, ...later(200), witnessBackMs: backMs }, refusedAs(cause)), 'return') !==
      undefined
    expect(returns('unknown', null)).toBe(false)
    // It was back before the attempt began, so the attempt is not waiting for that.
    expect(returns('unknown', NOW_MS - 1)).toBe(false)
    // While the attempt was in progress, and after it.
    expect(returns('unknown', NOW_MS + 50)).toBe(true)
    expect(returns('unknown', NOW_MS + 150)).toBe(true)
    expect(returns('unreachable', NOW_MS + 150)).toBe(false)
  })

  it('whose I/O fails again and again is left alone, each time for longer', () => {
    let before = proven
    const pauses: number[] = []
    let nowMs = NOW_MS
    for (let failure = 0; failure < 8; failure++) {
      const look = planHold(facts({ nowMs, wallMs: nowMs, map: failed, note: note() }), before)
      const until = look.memory.ioFailures.get(1)!.untilMs
      pauses.push(until - nowMs)
      expect(kinds(look).includes('return')).toBe(until === nowMs)
      nowMs = until
      before = { ...look.memory, carrying: ['8:0'], attempts: new Map() }
    }
    expect(pauses).toEqual([0, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
  })
})

describe('a portal', () => {
  it('is probed often, less so where there are many or an answer takes long, and seldom once it is open', () => {
    const one = { isOpen: false, portals: 1, tookMs: 0 }
    expect(nextProbeMs(0, one)).toBe(150)
    expect(nextProbeMs(0, { ...one, portals: 100 })).toBe(400)
    expect(nextProbeMs(0, { ...one, tookMs: 200 })).toBe(1_000)
    expect(nextProbeMs(0, { ...one, isOpen: true })).toBe(500)
    expect(MAX_PENDING_PROBES).toBeGreaterThan(1)
  })

  it('that is on its way back does not have its volume looked at for each change', () => {
    const attempts = new Map([[PORTAL, { ...NO_ATTEMPT, isBusy: true }]])
    const lost = { map: failed, paths: [lostPath], portals: [portalOf(lostPath, open)] }
    expect(plan(lost, memory({ ...proven, attempts })).reactsToChanges).toBe(false)
    expect(plan(lost).reactsToChanges).toBe(false)
    expect(plan({ ...lost, portals: [portalOf(null, closed)] }).reactsToChanges).toBe(true)
  })
})
