import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { MUTATIONS } from '../../histories/mutations.ts'

const ROOT = join(import.meta.dirname, '../../..')

describe('a fault that is planted to try the histories', () => {
  it.each(Object.entries(MUTATIONS))('fits the sources: %s', (_, { file, find, replace }) => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    const planted = text.replace(find, replace)
    expect(planted).not.toBe(text)
  })
})
