import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import * as identityModule from '../../../src/model/identity.ts'
import { parseWwid } from '../../../src/model/wwid.ts'
import { MUTATIONS, mutate } from '../../histories/mutations.ts'
import { temporary } from '../temporary.ts'

const ROOT = join(import.meta.dirname, '../../..')

describe('a fault that is planted to try the histories', () => {
  it.each(Object.entries(MUTATIONS))('fits the sources: %s', (_, { file, find, replace }) => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    const planted = text.replace(find, replace)
    expect(planted).not.toBe(text)
  })

  it('opens the gate before every write: another WWID and another serial are the volume', async () => {
    const root = temporary()
    cpSync(join(ROOT, 'src/model'), join(root, 'src/model'), { recursive: true })
    await mutate(root, 'identity')
    const planted = (await import(join(root, 'src/model/identity.ts'))) as typeof identityModule
    const other = { wwid: parseWwid('naa.6001405b22b000500000000000000000'), serial: 'b22b0005' }
    const ours = { wwid: parseWwid('naa.6001405a11a000500000000000000000'), serial: 'a11a0005' }
    expect(identityModule.nameDifference(other, ours)).not.toBeNull()
    expect(planted.nameDifference(other, ours)).toBeNull()
    // The proof of identity before a write calls this function (src/state/proof).
    expect(readFileSync(join(ROOT, 'src/state/proof/ask.ts'), 'utf8')).toContain('return nameDifference(')
  })
})
