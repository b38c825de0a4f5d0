import { readdirSync, readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { findingsPage } from '../../../src/cli/help/findings-page.ts'
import { NODE_CHECKS, VOLUME_CHECKS } from '../../../src/doctor/checks.ts'
import { FINDINGS } from '../../../src/doctor/codes.ts'

const at = (path: string) => new URL(`../../../${path}`, import.meta.url)

test('docs/findings.md is current', () => {
  expect(readFileSync(at('docs/findings.md'), 'utf8')).toBe(findingsPage())
})

test('every check is asked, and every code has a section', () => {
  const checks = readdirSync(at('src/doctor/checks'))
  expect(NODE_CHECKS.length + VOLUME_CHECKS.length).toBe(checks.length)
  const raised = [...checks.map((file) => `src/doctor/checks/${file}`), 'src/doctor/diagnose.ts'].flatMap(
    (path) => [...readFileSync(at(path), 'utf8').matchAll(/code: '([A-Z_]+)'/g)].map(([, code]) => code),
  )
  expect(new Set(raised)).toEqual(new Set(Object.keys(FINDINGS)))
})
