import { readFileSync } from 'node:fs'

import { beforeAll, describe, expect, it } from 'vitest'

import { ERRORS } from '../../../src/index.ts'

interface ApiPage {
  readonly text: string
  readonly problems: readonly string[]
  readonly codes: readonly string[]
}

/** Plain JavaScript, without types. */
const SCRIPT: string = '../../../scripts/api.mjs'

let page: ApiPage

beforeAll(async () => {
  const { apiPage } = (await import(SCRIPT)) as { apiPage: () => ApiPage }
  page = apiPage()
}, 120_000)

describe('the library reference', () => {
  it('docs/api.md is current: node scripts/docs.mjs writes it', () => {
    expect(readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8')).toBe(page.text)
  })

  it('every export has a description, every option a description and a default', () => {
    expect(page.problems).toEqual([])
  })

  it('every error code in it exists', () => {
    expect(page.codes).not.toEqual([])
    expect(page.codes.filter((code) => !Object.hasOwn(ERRORS, code))).toEqual([])
  })
})
