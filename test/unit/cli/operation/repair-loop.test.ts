import { expect, it } from 'vitest'

import { RepairBudget } from '../../../../src/cli/operation/repair-budget.ts'
import { repairRegularly } from '../../../../src/cli/operation/repair-loop.ts'
import { momentNow } from '../../../../src/host/clock.ts'
import { writeHoldNote, removeHoldNote } from '../../../../src/state/records/hold-note.ts'
import { fakeNode, NAME } from '../../kubernetes/node.ts'

const HOUR_MS = 3_600_000

it('at most six runs a day may repair; the limit is reported once, and ends the next day', () => {
  const budget = new RepairBudget()
  for (let n = 0; n < 6; n++) {
    expect(budget.may(n * HOUR_MS)).toBe('yes')
    budget.repaired(n * HOUR_MS)
  }
  expect(budget.may(6 * HOUR_MS)).toBe('exhausted')
  expect(budget.may(7 * HOUR_MS)).toBe('no')
  expect(budget.may(24 * HOUR_MS)).toBe('yes')
  budget.repaired(24 * HOUR_MS)
  expect(budget.may(24.5 * HOUR_MS)).toBe('exhausted')
})

it('a run that repairs nothing does not count', () => {
  const budget = new RepairBudget()
  for (let n = 0; n < 100; n++) expect(budget.may(n)).toBe('yes')
})

it('the loop runs doctor on the same directories, logs each repair, and skips outages', async () => {
  const { host } = fakeNode()
  const stop = new AbortController()
  const said: string[] = []
  const runs: (readonly string[])[] = []
  const held = { ...momentNow(), ended: null, trouble: null }
  writeHoldNote(host, NAME, held)
  let looks = 0
  await repairRegularly(host, {
    say: (line) => said.push(line),
    signal: stop.signal,
    intervalMs: 1,
    // Called once before each run: the outage is over at the third call.
    nowMs: () => {
      if (++looks === 3) removeHoldNote(host, NAME)
      if (looks === 3) expect(runs).toEqual([])
      return looks
    },
    run: async (args) => {
      runs.push(args)
      if (runs.length === 1) return { code: 1, signal: null, stdout: 'no JSON', stderr: '' }
      if (runs.length > 2) stop.abort()
      const repair = {
        code: 'PHANTOMS',
        subject: 'session 3',
        action: 'remove disks',
        done: true,
        error: null,
      }
      return {
        code: 0,
        signal: null,
        stdout: JSON.stringify({ findings: [], repairs: [repair] }),
        stderr: '',
      }
    },
  })
  expect(runs).toHaveLength(3)
  expect(runs[1]).toEqual(
    expect.arrayContaining([
      'doctor',
      '--fix',
      '--json',
      '--records',
      host.places.records,
      '--host-root',
      host.paths.root,
    ]),
  )
  expect(said).toEqual([
    expect.stringContaining('could not run doctor'),
    'repair: PHANTOMS session 3: remove disks',
  ])
})
