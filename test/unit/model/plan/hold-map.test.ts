import { describe, expect, it } from 'vitest'

import { isAsPlanned } from '../../../../src/model/plan/hold-map.ts'
import { afterStep } from '../../../../src/model/plan/hold-results.ts'
import { active, facts, failed, kinds, later, note, plan, proven } from './hold-setup.ts'

describe('a map', () => {
  it('that is gone is attached again, at most once a second', () => {
    const gone = plan({ map: 'absent' })
    expect(kinds(gone)).toEqual(['attach'])
    expect(gone.isRestoring).toBe(true)
    expect(kinds(plan({ map: 'absent' }, gone.memory))).toEqual([])
    const result = {
      kind: 'failed',
      step: { kind: 'attach' },
      refused: { cause: 'unreachable', message: 'away' },
    } as const
    const after = afterStep(facts({ map: 'absent' }), gone.memory, result)
    expect(kinds(plan({ map: 'absent', ...later(999) }, after.memory))).toEqual([])
    expect(kinds(plan({ map: 'absent', ...later(1_000) }, after.memory))).toEqual(['attach'])
  })

  it('of a volume that another node has had meanwhile is not attached again, and the volume is fenced', () => {
    const gone = plan({ map: 'absent' })
    const refused = { cause: 'lost', message: 'node-b has it', holder: 'node-b' } as const
    const after = afterStep(facts({ map: 'absent' }), gone.memory, {
      kind: 'failed',
      step: { kind: 'attach' },
      refused,
    })
    expect(after.steps).toMatchObject([
      {
        kind: 'record',
        note: { kind: 'fenced', ended: 'fenced', holder: 'node-b', discarded: { bytes: 0 } },
      },
      { kind: 'say' },
    ])
    const fenced = note({ kind: 'fenced', ended: 'fenced', isClear: true })
    expect(kinds(plan({ map: 'absent', note: fenced, ...later(60_000) }, after.memory))).toEqual([])
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
