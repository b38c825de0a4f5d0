import { describe, expect, it } from 'vitest'

import type { HoldNote } from '../../../../src/model/hold-note.ts'
import type { Hold, HoldMode } from '../../../../src/model/hold.ts'
import { holdDeadline, holdEnd } from '../../../../src/model/plan/hold-deadline.ts'
import type {
  HeldByOthers,
  HeldPath,
  HoldFacts,
  HoldMemory,
  HoldPlan,
  HoldStep,
  PortalFacts,
  ProbeResult,
  Refusal,
  StepOf,
} from '../../../../src/model/plan/hold-facts.ts'
import { NOTHING_KNOWN } from '../../../../src/model/plan/hold-facts.ts'
import { isAsPlanned } from '../../../../src/model/plan/hold-map.ts'
import { NO_ATTEMPT } from '../../../../src/model/plan/hold-path.ts'
import { afterStep, takeLoss } from '../../../../src/model/plan/hold-results.ts'
import { MOST_PROBES, nextProbeMs } from '../../../../src/model/plan/hold-search.ts'
import { stateOfHold } from '../../../../src/model/plan/hold-state.ts'
import { planHold } from '../../../../src/model/plan/hold.ts'

const PORTAL = '10.0.0.5:3260'
const NOW_MS = 5_000_000
const WALL_MS = Date.parse('2026-11-21T10:00:00.000Z')
const since = new Date(WALL_MS).toISOString()

const path: HeldPath = {
  sid: 1,
  portal: PORTAL,
  devno: '8:0',
  disk: 'sda',
  sessionState: 'LOGGED_IN',
  diskState: 'running',
  connection: '40000',
}
const lostPath: HeldPath = { ...path, sessionState: 'FAILED', diskState: 'transport-offline' }
const open: ProbeResult = { openSinceMs: NOW_MS, confirmedMs: NOW_MS, closed: null }
const closed: ProbeResult = { openSinceMs: null, confirmedMs: -Infinity, closed: 'it refuses connections' }
const portalOf = (one: HeldPath | null, probe: ProbeResult | null = null, disks = 1): PortalFacts => ({
  portal: PORTAL,
  session: one && { sid: one.sid, state: one.sessionState, disks, isAllHeld: true },
  probe,
})
const HELD: HeldByOthers = {
  revision: 1,
  hasDevice: true,
  hasMap: false,
  recovery: 120,
  isQueueing: null,
  multipathd: null,
}
const note = (more: Partial<HoldNote> = {}): HoldNote => ({
  since,
  sinceMs: NOW_MS,
  ended: null,
  trouble: null,
  ...more,
})

/** A volume on a hold map with one path that carries I/O. */
function facts(more: Partial<HoldFacts> = {}): HoldFacts {
  return {
    nowMs: NOW_MS,
    wallMs: WALL_MS,
    mode: 'map',
    wanted: 600,
    shutdown: null,
    note: null,
    isReady: true,
    isOrchestrated: false,
    volumes: 1,
    map: { queueing: true, paths: [{ devno: '8:0', active: true }] },
    paths: [path],
    portals: [portalOf(path)],
    io: { completed: 10, inFlight: 0 },
    held: HELD,
    ...more,
  }
}

const memory = (more: Partial<HoldMemory> = {}): HoldMemory => ({ ...NOTHING_KNOWN, ...more })
const proven = memory({
  verified: new Map([[1, { kind: 'proven', connection: '40000' }]]),
  carrying: ['8:0'],
})
const plan = (more: Partial<HoldFacts> = {}, before: HoldMemory = proven): HoldPlan =>
  planHold(facts(more), before)
const kinds = ({ steps }: HoldPlan): string[] =>
  steps.map(({ kind }) => kind).filter((kind) => kind !== 'say' && kind !== 'warm-worker')
const stepOf = <Kind extends HoldStep['kind']>({ steps }: HoldPlan, kind: Kind) =>
  steps.find((step): step is StepOf<Kind> => step.kind === kind)
const said = ({ steps }: HoldPlan): string[] =>
  steps.flatMap((step) => (step.kind === 'say' ? [step.text] : []))

const later = (milliseconds: number) => ({ nowMs: NOW_MS + milliseconds, wallMs: WALL_MS + milliseconds })
const active = { queueing: true, paths: [{ devno: '8:0', active: true }] }
const failed = { queueing: true, paths: [{ devno: '8:0', active: false }] }

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
    const { memory: after } = afterStep(facts(), first.memory, { kind: 'verify', step, refused: null })
    expect(plan({}, after).isSettled).toBe(true)
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

  it.each<[string, ProbeResult | null, boolean]>([
    ['waits while its target takes no logins', closed, false],
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

  it('of a session with many disks waits 3 s for iscsid to mend it, and is verified at once when it did', () => {
    const lost = { map: failed, paths: [lostPath], portals: [portalOf(lostPath, open, 5)] }
    const waiting = plan(lost)
    expect(stepOf(waiting, 'return')).toBeUndefined()
    expect(waiting.lookAtMs).toBeLessThanOrEqual(NOW_MS + 3_000)
    const back = { ...path, connection: '40001' }
    const mended = plan({ map: failed, portals: [portalOf(back, open, 5)], paths: [back] }, waiting.memory)
    expect(stepOf(mended, 'return')!.steps).toEqual(['verify', 'reinstate'])
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
    // Searched for, and not found: it does not change by itself soon.
    const again = afterStep(facts(lost), next.memory, { kind: 'return', step: stepOf(next, 'return')!, came })
    if (searches) expect(again.lookAtMs).toBe(NOW_MS + 1_000)
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

describe('an outage', () => {
  const lost = { map: active, paths: [lostPath], portals: [portalOf(lostPath, closed)] }

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
    const over = plan({ ...returned, io: { completed: 11, inFlight: 1 } }, trial.memory)
    expect(stepOf(over, 'record')).toEqual({ kind: 'record', note: null })
    expect(said(over)).toEqual(['I/O goes on after 5 s'])
    // One that is on its way for long has not ended.
    const slow = { ...returned, ...later(60_000), io: { completed: 10, inFlight: 1 } }
    expect(plan(slow, trial.memory).state).toBe('holding')
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
    'that comes back %s ms after the last, with a target that answers and fails I/O, goes on with it: %s',
    (agoMs, goesOn) => {
      const lastOutage = {
        since: new Date(WALL_MS - 60_000).toISOString(),
        sinceMs: NOW_MS - 60_000,
        endedMs: NOW_MS - agoMs,
      }
      const again = plan({ map: failed }, memory({ ...proven, lastOutage }))
      expect(stepOf(again, 'record')!.note).toMatchObject({ sinceMs: goesOn ? NOW_MS - 60_000 : NOW_MS })
      // A target that is away is another outage.
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

  it.each([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])(
    'recovers again after %s ms where it failed once more',
    (pauseMs) => {
      const failures = [2_000, 4_000, 8_000, 16_000, 32_000, 60_000].indexOf(pauseMs)
      const recovery = {
        isBusy: true,
        failures: Math.max(failures, pauseMs === 60_000 ? 9 : 0),
        nextMs: 0,
        result: null,
      }
      const result =
        pauseMs === 1_000
          ? ({ kind: 'recover', trouble: null } as const)
          : ({ kind: 'recover-failed', message: 'why' } as const)
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

describe('a volume of which another answered, or another node took it', () => {
  const loss = (cause: Refusal, moved: string | null = null) => ({
    sid: 1,
    devno: '8:0',
    connection: '40000',
    refused: { cause, message: 'it is another one' },
    moved,
  })

  it.each<[HoldMode, Refusal, string | null, string[], string | null]>([
    ['map', 'foreign', 'writes', ['fail', 'record', 'drop-disk'], 'misplaced'],
    ['map', 'foreign', null, ['fail', 'drop-disk'], null],
    ['map', 'absent', null, ['fail'], null],
    ['map', 'lost', null, ['fail', 'record'], 'fenced'],
    ['session', 'foreign', null, ['drop-disk', 'record'], 'misplaced'],
    ['session', 'absent', null, [], null],
    ['multipathd', 'lost', null, ['drop-disk', 'record'], 'fenced'],
  ])('%s, %s, with %s: %s', (mode, cause, moved, expected, kind) => {
    const { steps } = takeLoss(facts({ mode }), proven, loss(cause, moved))
    expect(steps.map((step) => step.kind).filter((one) => one !== 'say')).toEqual(expected)
    const record = steps.find((step) => step.kind === 'record')
    expect(record?.note?.kind ?? null).toBe(kind)
    expect(record?.note?.ended ?? null).toBe(kind)
  })

  it.each([
    [{ bytes: 10 << 20, of: 'volume' as const }, '10 MiB of unwritten data is discarded'],
    [{ bytes: 10 << 20, of: 'node' as const }, 'up to 10 MiB of unwritten data may be discarded'],
    [{ bytes: 0, of: 'volume' as const }, 'this node has no unwritten data'],
    [undefined, 'the unwritten data of this node is discarded'],
  ])('that was lost says what is discarded: %j', (unwritten, words) => {
    const lost = loss('lost', null)
    const refused = { ...lost.refused, ...(unwritten && { unwritten }) }
    const { steps } = takeLoss(facts({}), proven, { ...lost, refused })
    expect(steps.find((step) => step.kind === 'say')!.text).toBe(
      `it is another one; held I/O fails now, and ${words}`,
    )
    expect(steps.find((step) => step.kind === 'record')!.note!.discarded).toEqual(unwritten)
  })

  it('stays fenced where another volume answers afterwards', () => {
    const fenced = note({ ended: 'fenced', kind: 'fenced', trouble: 'node-b owns it' })
    const { steps } = takeLoss(facts({ note: fenced }), proven, loss('foreign', 'writes'))
    expect(steps.filter(({ kind }) => kind === 'record')).toEqual([])
  })

  it('that is misplaced loses all paths, fails its I/O, and is cleared before it is attached', () => {
    const misplaced = { note: note({ ended: 'misplaced', kind: 'misplaced', trouble: 'x' }) }
    const first = plan(misplaced)
    expect(kinds(first)).toEqual(['fail', 'empty-map', 'queue', 'clear'])
    expect(stepOf(first, 'queue')).toMatchObject({ on: false })
    expect(first).toMatchObject({ state: 'misplaced', checks: [], probes: [] })
    const clear = { ...misplaced, note: { ...misplaced.note, isClear: true } }
    expect(kinds(plan(clear))).toEqual(['attach'])
    expect(kinds(plan({ ...clear, isOrchestrated: true }))).toEqual([])
    expect(kinds(plan(clear, memory({ isAttaching: true })))).toEqual([])
  })

  it('that is fenced is taken down once no process uses it, and never attached again', () => {
    const fenced = { note: note({ ended: 'fenced', kind: 'fenced', trouble: 'node-b owns it' }) }
    const first = plan(fenced)
    expect(kinds(first)).toEqual(['fail', 'empty-map', 'queue', 'clear'])
    const used = afterStep(facts(fenced), first.memory, { kind: 'clear', users: 'cat[1]' })
    expect(kinds(plan({ ...fenced, map: { queueing: false, paths: [] } }, used.memory))).toEqual(['clear'])
    const clear = { note: { ...fenced.note, isClear: true } }
    // What is there by then is of an attach that a user has begun.
    expect(kinds(plan({ ...clear, map: active }))).toEqual([])
    expect(plan({ ...clear, map: 'absent' })).toMatchObject({
      steps: [],
      state: 'fenced',
      lookAtMs: Infinity,
    })
  })

  it('that a returning path finds fenced is given up: what is held fails', () => {
    const lost = { map: failed, note: note() }
    const first = plan(lost)
    const came = { kind: 'refused', refused: { cause: 'lost', message: 'node-b owns it' } } as const
    const after = afterStep(facts(lost), first.memory, {
      kind: 'return',
      step: stepOf(first, 'return')!,
      came,
    })
    const fenced = plan(lost, after.memory)
    expect(fenced.state).toBe('fenced')
    expect(stepOf(fenced, 'record')!.note).toMatchObject({ ended: 'fenced', kind: 'fenced', sinceMs: NOW_MS })
    expect(stepOf(fenced, 'queue')).toMatchObject({ on: false })
  })

  it('whose owner cannot be asked stays held', () => {
    const lost = { map: failed, note: note() }
    const first = plan(lost)
    const came = { kind: 'refused', refused: { cause: 'unknown', message: 'no answer' } } as const
    const after = afterStep(facts(lost), first.memory, {
      kind: 'return',
      step: stepOf(first, 'return')!,
      came,
    })
    expect(plan(lost, after.memory)).toMatchObject({ state: 'holding' })
  })
})

describe('a map', () => {
  it('that is gone is attached again, at most once a second', () => {
    const gone = plan({ map: 'absent' })
    expect(kinds(gone)).toEqual(['attach'])
    expect(gone.isRestoring).toBe(true)
    expect(kinds(plan({ map: 'absent' }, gone.memory))).toEqual([])
    const result = { kind: 'failed', step: { kind: 'attach' }, message: 'away' } as const
    const after = afterStep(facts({ map: 'absent' }), gone.memory, result)
    expect(kinds(plan({ map: 'absent', ...later(999) }, after.memory))).toEqual([])
    expect(kinds(plan({ map: 'absent', ...later(1_000) }, after.memory))).toEqual(['attach'])
  })

  it('that was made after the maps were read is looked at again, and nothing is done to it', () => {
    expect(plan({ map: 'unread', note: note({ kind: 'misplaced', ended: 'misplaced' }) }).steps).toEqual([])
  })

  it.each([
    [active, true],
    [failed, false],
    [{ ...active, queueing: false }, false],
    [undefined, false],
  ])('%o is as the agent left it: %s', (state, isSo) => expect(isAsPlanned(proven, state)).toBe(isSo))
})

describe('a volume that its session or multipathd holds', () => {
  const watched = (more: Partial<HoldFacts> = {}, before: HoldMemory = memory({ wasHere: true })) =>
    planHold(facts({ mode: 'session', map: 'absent', portals: [], ...more }), before)
  const blocked = { ...path, sessionState: 'FAILED', diskState: 'blocked' }

  it('is asked no more than it has to be', () => {
    expect(watched({ paths: [blocked] })).toMatchObject({ ask: null, state: 'holding' })
    const held = { ...HELD, hasMap: true }
    const away = { ...path, sessionState: 'FREE' }
    expect(watched({ paths: [away], held }).ask).toBe('is-queueing')
    expect(watched({ paths: [away], held: { ...held, isQueueing: false } })).toMatchObject({
      ask: null,
      state: 'failed',
    })
    expect(watched({ paths: [away], held: { ...held, isQueueing: true } }).ask).toBe('multipathd')
    const asked = watched({ paths: [away], held: { ...held, isQueueing: true, multipathd: 60 } })
    expect(stepOf(asked, 'record')!.note!.deadline).toBe(new Date(WALL_MS + 60_000).toISOString())
  })

  it('has its deadline counted again where multipathd was told another, and not for what differs by a check', () => {
    const held = { ...HELD, hasMap: true, isQueueing: true, revision: 2 }
    const away = { ...path, sessionState: 'FREE' }
    const seen = { revision: 1, isBlocked: false, recordChangedMs: -Infinity, sessionsChangedMs: -Infinity }
    const again = (seconds: number) =>
      watched(
        {
          paths: [away],
          held: { ...held, multipathd: seconds },
          note: note({ deadline: new Date(WALL_MS + 60_000).toISOString() }),
        },
        memory({ wasHere: true, seen }),
      )
    expect(kinds(again(62))).toEqual([])
    expect(stepOf(again(120), 'record')!.note!.deadline).toBe(new Date(WALL_MS + 120_000).toISOString())
  })

  it('is no step of the agent but to record, to say, and to recover', () => {
    const states = [blocked, path, lostPath, { ...path, sessionState: 'FREE' }]
    for (const ended of [null, 'deadline', 'removed'] as const)
      for (const one of states)
        for (const recorded of [null, note({ ended })])
          for (const kind of kinds(watched({ paths: [one], note: recorded })))
            expect(['record', 'recover']).toContain(kind)
  })

  it('that is just coming has no outage; an empty place is one only where it was', () => {
    const coming = { ...path, diskState: 'blocked' }
    expect(watched({ paths: [coming] }, memory()).steps).toEqual([])
    expect(watched({ paths: [] }, memory()).steps).toEqual([])
    expect(stepOf(watched({ paths: [] }), 'record')!.note).toMatchObject({ ended: 'removed' })
  })
})

describe('a portal', () => {
  it('is probed often, less so where there are many or an answer takes long, and seldom once it is open', () => {
    const one = { isOpen: false, portals: 1, tookMs: 0 }
    expect(nextProbeMs(0, one)).toBe(150)
    expect(nextProbeMs(0, { ...one, portals: 100 })).toBe(400)
    expect(nextProbeMs(0, { ...one, tookMs: 200 })).toBe(1_000)
    expect(nextProbeMs(0, { ...one, isOpen: true })).toBe(500)
    expect(MOST_PROBES).toBeGreaterThan(1)
  })

  it('that is on its way back does not have its volume looked at for each change', () => {
    const attempts = new Map([[PORTAL, { ...NO_ATTEMPT, isBusy: true }]])
    const lost = { map: failed, paths: [lostPath], portals: [portalOf(lostPath, open)] }
    expect(plan(lost, memory({ ...proven, attempts })).reactsToChanges).toBe(false)
    expect(plan(lost).reactsToChanges).toBe(false)
    expect(plan({ ...lost, portals: [portalOf(lostPath, closed)] }).reactsToChanges).toBe(true)
  })
})

it.each([
  [null, null],
  [note(), 'holding'],
  [note({ ended: 'give-up' }), 'failed'],
  [note({ ended: 'misplaced', kind: 'misplaced' }), 'misplaced'],
  [note({ ended: 'fenced', kind: 'fenced' }), 'fenced'],
])('the note %o says %s', (of, state) => expect(stateOfHold(of)).toBe(state))
