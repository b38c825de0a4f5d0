import { describe, expect, test } from 'vitest'
import type { Identity } from '../../../src/model/identity.ts'
import {
  identityDifference,
  isCachedAsOther,
  isIdentified,
  nameDifference,
} from '../../../src/model/identity.ts'
import { parseWwid } from '../../../src/model/wwid.ts'

const wwid = parseWwid('naa.600140512345678abcdef0123456789a')
const other = parseWwid('naa.600140512345678abcdef0123456789b')
const seen: Identity = { wwid, serial: 'S1', bytes: 1 << 30 }

describe('identityDifference accepts the volume', () => {
  test.each([
    ['all parts', { wwid, serial: 'S1', bytes: 1 << 30 }],
    ['its WWID alone', { wwid }],
    ['its serial alone', { serial: 'S1' }],
    ['nothing expected', {}],
    ['nothing expected, stated as null', { wwid: null, serial: null, bytes: null }],
    ['it has grown since', { wwid, bytes: (1 << 30) - 1 }],
  ])('%s', (_, expected) => {
    expect(identityDifference(seen, expected)).toBeNull()
  })
})

describe('identityDifference tells another volume apart', () => {
  test.each([
    ['another WWID', seen, { wwid: other }],
    ['another WWID, the same serial', seen, { wwid: other, serial: 'S1' }],
    ['the same WWID, another serial', seen, { wwid, serial: 'S2' }],
    ['shrunk by one byte', seen, { wwid, bytes: (1 << 30) + 1 }],
    ['of no size', { ...seen, bytes: 0 }, { wwid, bytes: 1 << 30 }],
    ['a WWID that cannot be read', { ...seen, wwid: null }, { wwid }],
    ['a serial that cannot be read', { ...seen, serial: null }, { serial: 'S1' }],
    ['a serial in another case', seen, { serial: 's1' }],
    ['a serial with a blank more', seen, { serial: 'S1 ' }],
  ])('%s', (_, seen, expected) => {
    expect(identityDifference(seen, expected)).toEqual(expect.any(String))
  })
})

test('the words name what was seen and what was expected', () => {
  expect(identityDifference(seen, { wwid: other })).toBe(`its WWID is ${wwid}, not ${other}`)
  expect(identityDifference({ ...seen, serial: null }, { serial: 'S1' })).toBe(
    'its serial is unreadable, not S1',
  )
})

test('by name alone, a size says nothing', () => {
  expect(nameDifference({ wwid, serial: 'S1' }, { wwid, serial: 'S1', bytes: 1 << 30 })).toBeNull()
  expect(nameDifference({ wwid, serial: null }, { wwid, serial: 'S1' })).toContain('unreadable')
})

test('a size alone identifies nothing', () => {
  expect(isIdentified(seen)).toBe(true)
  expect(isIdentified({ wwid: null, serial: 'S1', bytes: 0 })).toBe(true)
  expect(isIdentified({ wwid: null, serial: null, bytes: 1 << 30 })).toBe(false)
})

test.each([
  ['the same names', { wwid, serial: 'S1' }, false],
  ['another WWID', { wwid: other, serial: 'S1' }, true],
  ['another serial', { wwid, serial: 'S2' }, true],
  ['no serial', { wwid, serial: null }, false],
  ['no name at all', { wwid: null, serial: null }, false],
])('a disk of which the kernel keeps %s is taken for another volume: %o %s', (_, cached, isOther) => {
  expect(isCachedAsOther({ ...cached, bytes: 0 } as Identity, seen)).toBe(isOther)
})
