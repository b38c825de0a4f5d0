import { expect, test } from 'vitest'

import { doctorText } from '../../../../src/cli/output/doctor.ts'
import { PLAIN } from '../../../../src/cli/output/display.ts'
import type { Finding } from '../../../../src/doctor/finding.ts'

const phantoms: Finding = {
  code: 'PHANTOMS',
  severity: 'info',
  subject: 'session 3',
  message: 'disks without an owner or a visible user: 47',
  evidence: { count: 47 },
  fix: null,
}
const broken: Finding = {
  code: 'FS_BROKEN',
  severity: 'critical',
  subject: 'db',
  message: '/srv/db does not accept writes: EROFS',
  evidence: {},
  fix: 'Stop the users of /srv/db.',
}

test('no findings are one line', () => {
  expect(doctorText({ findings: [] }, PLAIN)).toBe('No findings on this node.\n')
})

test('findings are printed with their fixes, the most severe first', () => {
  expect(doctorText({ findings: [phantoms, broken] }, PLAIN)).toMatchInlineSnapshot(`
    "critical  db  FS_BROKEN
              /srv/db does not accept writes: EROFS
              fix: Stop the users of /srv/db.

    info      session 3  PHANTOMS
              disks without an owner or a visible user: 47
    "
  `)
})

test('repairs are printed as done, planned or failed', () => {
  const repair = { code: 'INTERRUPTED', subject: 'db', action: 'finish the detach of db' } as const
  const repairs = [
    { ...repair, done: true, error: null },
    { ...repair, done: false, error: null },
    { ...repair, done: false, error: 'the target is away' },
  ]
  expect(doctorText({ findings: [], repairs }, PLAIN)).toMatchInlineSnapshot(`
    "done      finish the detach of db
    would     finish the detach of db
    failed    finish the detach of db: the target is away
    No findings on this node.
    "
  `)
})

test('colours show the severity, and lines fit the terminal', () => {
  const look = { width: 40, paint: (style: unknown, text: string) => `<${String(style)}>${text}</>` }
  const text = doctorText({ findings: [broken] }, look)
  expect(text).toContain('<red>critical</>')
  for (const line of text.split('\n').slice(1)) expect(line.length).toBeLessThanOrEqual(40)
})
