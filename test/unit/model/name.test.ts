import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseIqn } from '../../../src/model/iqn.ts'
import { parseLun } from '../../../src/model/lun.ts'
import { defaultName, parseName } from '../../../src/model/name.ts'
import { codeOf } from './code-of.ts'

test.each(['a', 'pvc-8d5b2c1e', 'Data_1.old', '7', 'x'.repeat(128)])('%s is a name', (text) => {
  expect(parseName(text)).toBe(text)
})

test.each([
  '',
  '.',
  '..',
  '.hidden',
  '-flag',
  '_x',
  'a/b',
  '../x',
  'a b',
  'a\n',
  'a\0',
  'ä',
  'x'.repeat(129),
])('%j is refused: it is the name of a file', (text) => {
  expect(codeOf(() => parseName(text))).toBe('BAD_NAME')
})

const name = (iqn: string, lun = 0, salt = '') => defaultName(parseIqn(iqn), parseLun(lun), salt)

test('a volume without a name gets the last words of its target, and its LUN', () => {
  expect(name('iqn.2003-01.org.example:storage.disk1', 7)).toBe('storage.disk1-lun7')
  expect(name('iqn.2003-01.org.example:a:b', 7)).toBe('b-lun7')
  expect(name('iqn.2003-01.org.example', 7)).toBe('iqn.2003-01.org.example-lun7')
  expect(name('iqn.2003-01.org.example:..', 7)).toBe('volume-lun7')
  expect(name('iqn.2003-01.org.example:x', 7, 'abc123')).toBe('x-abc123-lun7')
})

test('whatever a target is called, the name made of it is one', () => {
  const tail = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 190 }),
    fc.stringMatching(/^[a-z.-]{90,190}$/),
  )
  fc.assert(
    fc.property(tail, fc.nat(0xffff_ffff), fc.constantFrom('', '0a1b2c'), (tail, lun, salt) => {
      const iqn = `iqn.2003-01.org.example:${tail}`
      if (codeOf(() => parseIqn(iqn)) !== null) return
      expect(codeOf(() => parseName(name(iqn, lun, salt)))).toBeNull()
    }),
    { numRuns: 2_000 },
  )
})
