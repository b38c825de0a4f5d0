import { describe, expect, it } from 'vitest'

import type { HoldFacts } from '../../../../src/model/plan/hold-facts.ts'
import type { HoldMemory } from '../../../../src/model/plan/hold-memory.ts'
import { planHold } from '../../../../src/model/plan/hold.ts'
import { facts, kinds, lostPath, memory, note, NOW_MS, path, stepOf, WALL_MS, HELD } from './hold-setup.ts'

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

  it('needs no step of the agent except to record and to recover', () => {
    const states = [blocked, path, lostPath, { ...path, sessionState: 'FREE' }]
    for (const ended of [null, 'deadline', 'removed'] as const)
      for (const one of states)
        for (const recorded of [null, note({ ended })])
          for (const kind of kinds(watched({ paths: [one], note: recorded })))
            expect(['record', 'recover']).toContain(kind)
  })

  it.each(['misplaced', 'fenced'] as const)(
    'loses the disk to which it must not write (%s), also if the first attempt failed',
    (kind) => {
      const given = note({ kind, ended: kind })
      expect(kinds(watched({ paths: [path], note: given }))).toEqual(['drop-disk', 'clear'])
      const clear = { ...given, isClear: true }
      expect(kinds(watched({ paths: [path], note: clear }))).not.toContain('drop-disk')
    },
  )

  it('that is just coming has no outage; an empty place is one only where it was', () => {
    const coming = { ...path, diskState: 'blocked' }
    expect(watched({ paths: [coming] }, memory()).steps).toEqual([])
    expect(watched({ paths: [] }, memory()).steps).toEqual([])
    expect(stepOf(watched({ paths: [] }), 'record')!.note).toMatchObject({ ended: 'removed' })
  })

  it('whose disk was replaced has ended its hold, and is attached again; one that was not here before is left alone', () => {
    const held = { ...HELD, isReplaced: true }
    expect(stepOf(watched({ paths: [path], held }), 'record')!.note).toMatchObject({ ended: 'removed' })
    expect(kinds(watched({ paths: [path], held, note: note({ ended: 'removed' }) }))).toEqual(['recover'])
    const after = watched({ paths: [path], held }, memory())
    expect(after.steps).toEqual([])
    expect(after.lookAtMs - NOW_MS).toBeGreaterThan(10_000)
  })
})
