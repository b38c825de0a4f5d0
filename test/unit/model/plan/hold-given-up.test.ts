import { describe, expect, it } from 'vitest'

import type { HoldMode } from '../../../../src/model/hold.ts'
import type { Refusal } from '../../../../src/model/plan/hold-facts.ts'
import { afterStep, takeLoss } from '../../../../src/model/plan/hold-results.ts'
import { active, facts, failed, kinds, memory, note, NOW_MS, plan, proven, stepOf } from './hold-setup.ts'

describe('a volume of which another answered, or another node took it', () => {
  const loss = (cause: Refusal, moved: string | null = null) => ({
    sid: 1,
    devno: '8:0',
    connection: '40000',
    refused: { cause, message: 'it is another one' },
    moved,
  })

  /** The plan of a lost volume after the return of its path was refused. */
  const afterRefusal = (cause: Refusal, message: string) => {
    const lost = { map: failed, note: note() }
    const first = plan(lost)
    const step = stepOf(first, 'return')!
    const came = { kind: 'refused', refused: { cause, message } } as const
    return plan(lost, afterStep(facts(lost), first.memory, { kind: 'return', step, came }).memory)
  }

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
    expect(kinds(first)).toEqual(['fail', 'empty-map', 'queue', 'clear', 'drop-disk'])
    const used = afterStep(facts(fenced), first.memory, { kind: 'clear', users: 'cat[1]' })
    const emptied = { ...fenced, map: { queueing: false, paths: [] }, paths: [] }
    expect(kinds(plan(emptied, used.memory))).toEqual(['clear'])
    const clear = { note: { ...fenced.note, isClear: true } }
    // Anything that exists by then belongs to an attach that a user has started.
    expect(kinds(plan({ ...clear, map: active }))).toEqual([])
    expect(plan({ ...clear, map: 'absent' })).toMatchObject({
      steps: [],
      state: 'fenced',
      lookAtMs: NOW_MS + 20_000,
    })
  })

  it('that a returning path finds fenced is given up: what is held fails', () => {
    const fenced = afterRefusal('lost', 'node-b owns it')
    expect(fenced.state).toBe('fenced')
    expect(stepOf(fenced, 'record')!.note).toMatchObject({ ended: 'fenced', kind: 'fenced', sinceMs: NOW_MS })
    expect(stepOf(fenced, 'queue')).toMatchObject({ on: false })
  })

  it('whose owner cannot be asked stays held', () => {
    expect(afterRefusal('unknown', 'no answer')).toMatchObject({ state: 'holding' })
  })
})
