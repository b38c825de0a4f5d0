import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { FINDINGS } from '../../src/doctor/codes.ts'
import { ERRORS } from '../../src/model/errors.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/troubleshooting.md'), 'utf8')

/** Codes that appear on the page as code, alone or with others. */
const named = new Set([...page.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, code]) => code))

describe('docs/troubleshooting.md', () => {
  it.each(Object.keys(ERRORS))('has the error %s', (code) => expect(named).toContain(code))
  it.each(Object.keys(FINDINGS))('has the finding %s', (code) => expect(named).toContain(code))
})
