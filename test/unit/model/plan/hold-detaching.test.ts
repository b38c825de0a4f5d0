import { describe, expect, it } from 'vitest'

import type { HeldPath, HoldFacts, HoldMemory } from '../../../../src/model/plan/hold-facts.ts'
import { NOTHING_KNOWN } from '../../../../src/model/plan/hold-facts.ts'
import { planHold } from '../../../../src/model/plan/hold.ts'

const path: HeldPath = {
  sid: 1,
  portal: '10.0.0.5:3260',
  devno: '8:0',
  disk: 'sda',
  sessionState: 'LOGGED_IN',
  diskState: 'running',
  connection: '40000',
}
const lost: HeldPath = { ...path, sessionState: 'FAILED', diskState: 'transport-offline' }
const active = { queueing: true, paths: [{ devno: '8:0', active: true }] }
const proven: HoldMemory = {
  ...NOTHING_KNOWN,
  verified: new Map([[1, { kind: 'proven', connection: '40000' }]]),
  carrying: ['8:0'],
  wasHere: true,
}
const givenUp = { since: '2026-11-21T10:00:00.000Z', sinceMs: 0, trouble: 'node-b owns it' }
const fenced = { ...givenUp, ended: 'fenced', kind: 'fenced' } as const
const misplaced = { ...givenUp, ended: 'misplaced', kind: 'misplaced' } as const

/** A volume on a hold map, mounted, whose detach has begun. */
function plan(more: Partial<HoldFacts> = {}, memory: HoldMemory = proven) {
  const facts: HoldFacts = {
    nowMs: 5_000_000,
    wallMs: Date.parse('2026-11-21T10:00:00.000Z'),
    mode: 'map',
    wanted: 600,
    shutdown: null,
    note: null,
    isReady: false,
    isOrchestrated: false,
    volumes: 1,
    map: active,
    paths: [path],
    portals: [],
    io: { completed: 10, inFlight: 0 },
    held: { revision: 1, hasDevice: true, hasMap: false, recovery: 120, isQueueing: null, multipathd: null },
    ...more,
  }
  const planned = planHold(facts, memory)
  return { ...planned, kinds: planned.steps.map(({ kind }) => kind) }
}

describe('a volume whose detach has begun', () => {
  it.for(['map', 'session', 'multipathd'] as const)('has its paths checked (%s)', (mode) => {
    const map = mode === 'map' ? active : 'absent'
    expect(plan({ mode, map })).toMatchObject({ kinds: [], checks: [1], isSettled: true })
  })

  it('has a path asked at once that reconnected, or that the agent has never asked', () => {
    const again = plan({ paths: [{ ...path, connection: '40001' }] })
    expect(again).toMatchObject({ kinds: ['verify'], checks: [1] })
    // Once for each connection: a refusal takes the path away, or leaves it to the detach.
    expect(plan({ paths: [{ ...path, connection: '40001' }] }, again.memory).kinds).toEqual([])
    expect(plan({}, NOTHING_KNOWN).kinds).toEqual(['verify'])
  })

  it.for(['map', 'session', 'multipathd'] as const)(
    'begins no outage and has no path brought back where its path is lost (%s)',
    (mode) => {
      const map = mode === 'map' ? active : 'absent'
      for (const paths of [[lost], []])
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
    ([mode, note, kinds]) => {
      const map = mode === 'map' ? active : 'absent'
      expect(plan({ mode, map, note })).toMatchObject({ kinds, checks: [], state: note.kind })
    },
  )
})
