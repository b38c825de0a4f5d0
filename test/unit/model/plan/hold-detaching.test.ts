import { describe, expect, it } from 'vitest'

import type { HoldFacts, HoldMemory } from '../../../../src/model/plan/hold-facts.ts'
import { afterStep } from '../../../../src/model/plan/hold-results.ts'
import { planHold } from '../../../../src/model/plan/hold.ts'
import {
  active,
  facts,
  failed,
  kinds,
  lostPath,
  memory,
  note,
  NOW_MS,
  path,
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
    // The next detach brings it back over the same connection: it is asked again, and not failed once more.
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
        checks: [],
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

  it('is not attached again where its map is gone', () => {
    expect(plan({ map: 'absent' })).toMatchObject({ kinds: [], isRestoring: false })
  })

  it.for([
    ['map', fenced, ['fail', 'empty-map', 'queue']],
    ['map', misplaced, ['fail', 'empty-map', 'queue']],
    ['session', fenced, ['drop-disk']],
    ['session', misplaced, []],
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
