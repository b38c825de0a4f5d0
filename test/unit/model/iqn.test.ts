import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseIqn } from '../../../src/model/iqn.ts'
import { codeOf } from './code-of.ts'

test.each([
  'iqn.2003-01.org.linux-iscsi.node:sn.42',
  'iqn.2010-06.com.purestorage:flasharray.3f8a',
  'iqn.1992-08.com.netapp:sn.1:vs.3',
  'iqn.2001-05.com.example',
  'iqn.2001-05.com.example:with_underscore+and~more',
  'iqn.2001-05.com.example:größe',
  'eui.02004567A425678D',
  'naa.52004567BA64678D',
  'naa.62004567BA64678D0123456789ABCDEF',
])('%s is a name', (text) => {
  expect(parseIqn(text)).toBe(text)
})

test('case is kept: open-iscsi compares byte by byte', () => {
  expect(parseIqn('IQN.2003-01.Org.Example:Disk')).toBe('IQN.2003-01.Org.Example:Disk')
})

describe('parseIqn refuses', () => {
  test.each([
    ['nothing', ''],
    ['a month 13', 'iqn.2003-13.org.example:x'],
    ['a month 00', 'iqn.2003-00.org.example:x'],
    ['no domain', 'iqn.2003-01.:x'],
    ['an empty tail', 'iqn.2003-01.org.example:'],
    ['a way out of the directory of records', 'iqn.2003-01.org.example:../../etc/shadow'],
    ['a slash', 'iqn.2003-01.org.example:a/b'],
    ['a comma, which open-iscsi takes for a separator', 'iqn.2003-01.org.example:a,b'],
    ['a blank', 'iqn.2003-01.org.example:a b'],
    ['a line break, which would add a line to a node record', 'iqn.2003-01.org.example:a\nnode.x = y'],
    ['a NUL', 'iqn.2003-01.org.example:a\0'],
    ['an option of iscsiadm', '--logoutall=all'],
    ['eui of 15 digits', 'eui.02004567A425678'],
    ['naa of 24 digits', 'naa.62004567BA64678D01234567'],
    ['blanks around it', ' iqn.2003-01.org.example:x'],
  ])('%s', (_, text) => {
    expect(codeOf(() => parseIqn(text))).toBe('BAD_IQN')
  })

  test('a name of 224 bytes, counted as bytes', () => {
    const start = 'iqn.2003-01.org.example:'
    const room = 223 - start.length
    expect(codeOf(() => parseIqn(start + 'x'.repeat(room)))).toBeNull()
    expect(codeOf(() => parseIqn(start + 'x'.repeat(room + 1)))).toBe('BAD_IQN')
    expect(codeOf(() => parseIqn(start + 'ö'.repeat(room / 2 + 1)))).toBe('BAD_IQN')
  })
})

test('no text ever passes that could leave its line or its directory', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (tail) => {
      const text = `iqn.2003-01.org.example:${tail}`
      expect(/[\s/,\0]/.test(text) && codeOf(() => parseIqn(text)) === null).toBe(false)
    }),
    { numRuns: 2_000 },
  )
})
