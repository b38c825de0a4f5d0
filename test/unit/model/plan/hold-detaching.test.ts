import { describe, expect, it } from 'vitest'

import type { HoldFacts } from '../../../../src/model/plan/hold-facts.ts'
import type { HoldMemory } from '../../../../src/model/plan/hold-memory.ts'
import { afterStep } from '../../../../src/model/plan/hold-results.ts'
import { planHold } from '../../../../src/model/plan/hold.ts'
import {
  active,
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
  portalOf,
  proven,
  stepOf,
} from './hold-setup.ts'

const fenced = note({ ended: 'fenced', kind: 'fenced', trouble: 'node-b owns it' })
const misplaced = note({ ended: 'misplaced', kind: 'misplaced', trouble: 'another volume answered' })

/** A volume on a hold map, mounted, whose detach has begun. */
function plan(more: Partial<HoldFacts> = {}, before: HoldMemory = { ...proven, wasHere: true }) {
  const planned = planHold(facts({ isReady: false, portals: [], ...more }), before)
  return { ...planned, kinds: kinds(planned) }
}

describe('a volume whose detach has begun', () => {
  it.for(['map', 'session', 'multipathd'] as const)('has its paths checked (%s)', (mode) => {
    const map = mode === 'map' ? active : 'absent'
    expect(plan({ mode, map })).toMatchObject({ kinds: [], checks: [1], isSettled: true })
  })

  it('has a path asked at once that reconnected, or that the agent has never asked', () => {
    const again = plan({ paths: [{ ...path, connection: '40001' }] })
    expect(again).toMatchObject({ kinds: ['verify'], checks: [1] })
    // Once for each connection.
    expect(plan({ paths: [{ ...path, connection: '40001' }] }, again.memory).kinds).toEqual([])
    expect(plan({}, memory()).kinds).toEqual(['verify'])
  })

  it.for(['unknown', 'unreachable'] as const)('waits where the answer is %s', (cause) => {
    const first = plan({}, memory())
    const step = stepOf(first, 'verify')!
    const refused = { cause, message: 'why' }
    const after = afterStep(facts(), first.memory, { kind: 'verify', step, refused })
    const waiting = plan({}, after.memory)
    expect(waiting).toMatchObject({ kinds: ['fail'], checks: [] })
    // The next detach brings it back over the same connection: it is asked again, and is not failed once more.
    const away = plan({ map: failed }, waiting.memory)
    expect(away.kinds).toEqual([])
    expect(plan({}, away.memory).kinds).toEqual(['verify'])
    expect(plan({}, plan({ isWorkedOn: true }, after.memory).memory).kinds).toEqual(['verify'])
  })

  it.for(['map', 'session', 'multipathd'] as const)('is left to a detach that is at work (%s)', (mode) => {
    const map = mode === 'map' ? active : 'absent'
    for (const more of [{}, { note: note() }, { paths: [lostPath] }])
      expect(plan({ mode, map, isWorkedOn: true, ...more }, memory())).toMatchObject({
        kinds: [],
        // Another volume would get what the detach writes out.
        checks: 'paths' in more ? [] : [1],
        lookAtMs: NOW_MS + 2_000,
      })
  })

  it.for(['map', 'session', 'multipathd'] as const)(
    'begins no outage and has no path brought back where its path is lost (%s)',
    (mode) => {
      const map = mode === 'map' ? active : 'absent'
      for (const paths of [[lostPath], []])
        expect(plan({ mode, map, paths })).toMatchObject({ kinds: [], checks: [], probes: [], ask: null })
    },
  )

  describe('and whose path carries nothing', () => {
    const returned = { ...path, connection: '40001' }
    const lost = { map: failed, paths: [lostPath], portals: [portalOf(lostPath, closed)] }

    it('has the path asked that iscsid has restored, and not used', () => {
      const back = { map: failed, paths: [returned], portals: [portalOf(returned)] }
      const asking = plan(back)
      const step = stepOf(asking, 'return')!
      expect(step).toMatchObject({ path: { sid: 1, devno: '8:0' }, steps: ['verify'] })
      expect(asking.isSettled).toBe(false)
      const came = { kind: 'verified', path: { sid: 1, devno: '8:0', connection: '40001' } } as const
      const { memory: after } = afterStep(facts(), asking.memory, { kind: 'return', step, came })
      // Not at every look.
      expect(plan({ ...back, ...later(20_000) }, after).kinds).toEqual(['return'])
      const asked = plan(back, after)
      expect(asked).toMatchObject({ kinds: [], isSettled: true, checks: [] })
      // A detach has brought it back.
      expect(plan({ ...back, map: active }, asked.memory).kinds).toEqual(['verify'])
    })

    it('has one made that is only asked, and is fenced where another node has the volume', () => {
      // The next detach may need the session.
      expect(plan(lost).kinds).toEqual([])
      const gone = { map: failed, paths: [], portals: [portalOf(null, open)] }
      const asking = plan(gone, { ...proven, wasHere: true })
      const step = stepOf(asking, 'return')!
      expect(step.steps).toEqual(['log-out', 'make-path', 'verify'])
      const refused = { cause: 'lost', message: 'node-b owns it' } as const
      const came = { kind: 'refused', refused } as const
      const { memory: after } = afterStep(facts(gone), asking.memory, { kind: 'return', step, came })
      expect(plan(gone, after).kinds).toEqual(['record', 'empty-map', 'queue'])
      expect(stepOf(plan(gone, after), 'record')!.note).toMatchObject({ kind: 'fenced' })
    })

    it('is asked again after 20 s where another volume answers, because a disk is made each time', () => {
      const gone = { map: failed, paths: [], portals: [portalOf(null, open)] }
      const asking = plan(gone)
      const refused = { cause: 'foreign', message: 'another volume' } as const
      const came = { kind: 'refused', refused } as const
      const step = stepOf(asking, 'return')!
      const { memory: after, lookAtMs } = afterStep(facts(gone), asking.memory, {
        kind: 'return',
        step,
        came,
      })
      expect(lookAtMs).toBe(NOW_MS + 20_000)
      expect(plan({ ...gone, ...later(19_000) }, after).kinds).toEqual([])
      const probe = { openSinceMs: NOW_MS, confirmedMs: NOW_MS + 20_000, closed: null }
      const again = plan({ ...gone, portals: [portalOf(null, probe)], ...later(20_000) }, after)
      expect(stepOf(again, 'return')!.steps).toEqual(['log-out', 'make-path', 'verify'])
    })

    it('has its portal probed, and nothing done while a detach is at work', () => {
      const away = { map: failed, paths: [], portals: [portalOf(null, closed)] }
      expect(plan(away).probes).toHaveLength(1)
      expect(plan({ ...lost, isWorkedOn: true })).toMatchObject({ kinds: [], probes: [] })
    })
  })

  it('is not attached again where its map is gone', () => {
    expect(plan({ map: 'absent' })).toMatchObject({ kinds: [], isRestoring: false })
  })

  it.for([
    ['map', fenced, ['fail', 'empty-map', 'queue', 'drop-disk']],
    ['map', misplaced, ['fail', 'empty-map', 'queue']],
    ['session', fenced, ['drop-disk']],
    ['session', misplaced, ['drop-disk']],
    ['map', { ...fenced, isClear: true }, []],
  ] as const)(
    'is stopped where it is not to be written, and not unmounted: %s, %j',
    ([mode, of, expected]) => {
      const map = mode === 'map' ? active : 'absent'
      for (const isWorkedOn of [false, true])
        expect(plan({ mode, map, note: of, isWorkedOn })).toMatchObject({
          kinds: expected,
          checks: [],
          state: of.kind,
        })
    },
  )
})
