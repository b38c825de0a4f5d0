import { expect, test } from 'vitest'

import { isNearlyOver } from '../../../src/doctor/checks/holding.ts'
import { guarded } from '../../../src/doctor/diagnose.ts'
import type { Finding } from '../../../src/doctor/finding.ts'
import { bySeverity, isSerious } from '../../../src/doctor/finding.ts'
import { repair } from '../../../src/doctor/repair/repair.ts'
import { openHost } from '../../../src/host/host.ts'
import { LunkeeperError } from '../../../src/model/errors.ts'

const finding = (severity: Finding['severity'], more: Partial<Finding> = {}): Finding => ({
  code: 'PHANTOMS',
  severity,
  subject: severity,
  message: 'm',
  evidence: {},
  fix: null,
  ...more,
})

test('the worst comes first, and equals keep their order', () => {
  const found = [
    finding('info'),
    finding('warning', { subject: 'a' }),
    finding('critical'),
    finding('warning', { subject: 'b' }),
  ]
  expect(bySeverity(found).map(({ subject }) => subject)).toEqual(['critical', 'a', 'b', 'info'])
})

test('information alone does not make the exit status non-zero', () => {
  expect(isSerious([])).toBe(false)
  expect(isSerious([finding('info')])).toBe(false)
  expect(isSerious([finding('info'), finding('warning')])).toBe(true)
  expect(isSerious([finding('critical')])).toBe(true)
})

test('a check that throws is a finding', async () => {
  const found = await guarded('the sky', 'db', () =>
    Promise.reject(new LunkeeperError('STUCK', 'it fell', { hint: 'wait' })),
  )
  expect(found).toEqual([
    {
      code: 'CHECK_FAILED',
      severity: 'warning',
      subject: 'db',
      message: 'the sky could not be checked: it fell',
      evidence: { check: 'the sky', error: 'STUCK', said: 'it fell' },
      fix: 'wait',
    },
  ])
})

test('a check that never comes back is a finding', async () => {
  const { promise: never } = Promise.withResolvers<readonly Finding[]>()
  const found = await guarded('the sky', 'db', () => never, 20)
  expect(found).toMatchObject([{ code: 'CHECK_FAILED', evidence: { error: 'STUCK' } }])
})

test('under a fifth of the hold left is nearly over', () => {
  const [since, deadline] = ['2026-01-01T00:00:00Z', '2026-01-01T00:01:40Z']
  expect(isNearlyOver(since, deadline, Date.parse(since) + 79_000)).toBe(false)
  expect(isNearlyOver(since, deadline, Date.parse(since) + 81_000)).toBe(true)
})

test('repair finishes an interrupted detach and restores our limit, and nothing else', async () => {
  const interrupted = (phase: string) => finding('warning', { code: 'INTERRUPTED', evidence: { phase } })
  const limit = finding('warning', { code: 'LIMIT_RAISED', subject: 'vm.dirty_ratio', evidence: { was: 20 } })
  const other = finding('critical', { evidence: { phase: 'detaching' } })
  const found = [interrupted('detaching'), interrupted('attaching'), limit, other]
  const repairs = await repair(openHost(), found, { dryRun: true })
  expect(repairs).toEqual([
    {
      code: 'INTERRUPTED',
      subject: 'warning',
      action: 'finish the detach of warning',
      done: false,
      error: null,
    },
    {
      code: 'LIMIT_RAISED',
      subject: 'vm.dirty_ratio',
      action: 'set vm.dirty_ratio to 20 again',
      done: false,
      error: null,
    },
  ])
})
