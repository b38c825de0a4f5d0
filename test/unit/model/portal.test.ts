import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Portal } from '../../../src/model/portal.ts'
import { formatPortal, parsePortal, samePortal } from '../../../src/model/portal.ts'
import { codeOf } from './code-of.ts'

test.each<[string, string, number]>([
  ['10.0.0.5', '10.0.0.5', 3260],
  ['10.0.0.5:860', '10.0.0.5', 860],
  ['San.Example', 'san.example', 3260],
  ['san-1.example.:3261', 'san-1.example.', 3261],
  ['fd00::5', 'fd00::5', 3260],
  ['FD00:0:0:0:0:0:0:5', 'fd00::5', 3260],
  ['[fd00:0000::0005]:3261', 'fd00::5', 3261],
  ['[fd00::5]', 'fd00::5', 3260],
  ['::', '::', 3260],
  ['::1', '::1', 3260],
  ['1::', '1::', 3260],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0', 3260],
  ['fe80::1%eth0', 'fe80::1%eth0', 3260],
  ['[FE80::1%Bond0.12]:3260', 'fe80::1%Bond0.12', 3260],
  ['::ffff:10.0.0.5', '::ffff:a00:5', 3260],
])('parsePortal reads %s', (text, host, port) => {
  expect(parsePortal(text)).toEqual({ host, port })
})

describe('parsePortal refuses', () => {
  test.each([
    ['nothing', ''],
    ['a port alone', ':3260'],
    ['port 0', '10.0.0.5:0'],
    ['port 65536', '10.0.0.5:65536'],
    ['an empty port', '10.0.0.5:'],
    ['a port that is not a number', '10.0.0.5:iscsi'],
    ['a negative port', '10.0.0.5:-1'],
    ['a portal group', '10.0.0.5:3260,1'],
    ['an octal-looking address', '010.0.0.5'],
    ['256 in an address', '10.0.0.256'],
    ['three parts', '10.0.5'],
    ['five parts', '10.0.0.0.5'],
    ['brackets around IPv4', '[10.0.0.5]:3260'],
    ['brackets around nothing', '[]:3260'],
    ['brackets that do not close', '[fd00::5:3260'],
    ['the default port after an IPv6 address without brackets', 'fd00::5:3260'],
    ['two double colons', 'fd00::5::6'],
    ['three colons', 'fd00:::5'],
    ['nine groups', '1:2:3:4:5:6:7:8:9'],
    ['seven groups', '1:2:3:4:5:6:7'],
    ['eight groups and a double colon', '1:2:3:4::5:6:7:8'],
    ['five digits', 'fd00::12345'],
    ['IPv4 that is not last', '1.2.3.4::'],
    ['IPv4 that is not last, with more', '1.2.3.4::5'],
    ['IPv4 in the middle', '::1.2.3.4:5'],
    ['an empty zone', 'fe80::1%'],
    ['two zones', 'fe80::1%eth0%eth1'],
    ['a zone with a slash', 'fe80::1%../eth0'],
    ['a label that starts with a dash', '-san.example'],
    ['a user name', 'root@san.example'],
    ['a path', 'san.example/x'],
    ['a line break', 'san.example\nx'],
    ['an empty label', 'san..example'],
    ['a name of 64 letters', 'a'.repeat(64)],
  ])('%s', (_, text) => {
    expect(codeOf(() => parsePortal(text))).toBe('BAD_PORTAL')
  })
})

const group = fc.integer({ min: 0, max: 0xffff })
const port = fc.integer({ min: 1, max: 65_535 })
const zone = fc.option(fc.stringMatching(/^[a-z][a-z0-9.]{0,8}$/), { nil: undefined })

const hex = (part: readonly number[]) => part.map((value) => value.toString(16)).join(':')

/** One address, in two spellings that differ in case, leading zeros and the position of the omitted zeros. */
const spellings = fc
  .record({ groups: fc.array(fc.oneof(fc.constant(0), group), { minLength: 8, maxLength: 8 }), zone, port })
  .map(({ groups, zone, port }) => {
    const end = zone === undefined ? '' : `%${zone}`
    const long = groups.map((value) => value.toString(16).toUpperCase().padStart(4, '0')).join(':')
    const first = groups.indexOf(0)
    let past = first
    for (const value of groups.slice(Math.max(0, first)))
      if (value === 0) past++
      else break
    const short = first < 0 ? hex(groups) : `${hex(groups.slice(0, first))}::${hex(groups.slice(past))}`
    return { a: `[${long}${end}]:${port}`, b: `[${short}${end}]:${port}` }
  })

test('every spelling of an IPv6 address is one and the same portal', () => {
  fc.assert(
    fc.property(spellings, ({ a, b }) => {
      expect(parsePortal(a)).toEqual(parsePortal(b))
      expect(samePortal(parsePortal(a), parsePortal(b))).toBe(true)
    }),
  )
})

const hosts = fc.oneof(
  fc.ipV4(),
  fc.ipV6().filter((text) => !text.includes('.')),
  fc.domain(),
)

test('what is printed is read back as the same', () => {
  fc.assert(
    fc.property(hosts, port, (host, port) => {
      const portal = parsePortal(formatPortal({ host, port }))
      expect(portal.port).toBe(port)
      expect(parsePortal(formatPortal(portal))).toEqual(portal)
    }),
  )
})

test('no text makes it fail in any way but its own', () => {
  const pieces = fc.array(
    fc.constantFrom(
      '1.2.3.4',
      ':',
      '::',
      '[',
      ']',
      '%',
      'eth0',
      'fe80',
      '0',
      '3260',
      '.',
      'x',
      '-',
      ' ',
      '\n',
    ),
    { maxLength: 9 },
  )
  fc.assert(
    fc.property(
      pieces.map((parts) => parts.join('')),
      (text) => {
        expect(codeOf(() => parsePortal(text))).toBeOneOf([null, 'BAD_PORTAL'])
      },
    ),
    { numRuns: 5_000 },
  )
})

test('same portal: what another wrote into its record counts, whatever its form', () => {
  const ours: Portal = parsePortal('[fd00::5]:3260')
  expect(samePortal(ours, { host: 'FD00:0::0005', port: 3260 })).toBe(true)
  expect(samePortal(ours, { host: 'fd00::5', port: 3261 })).toBe(false)
  expect(samePortal(ours, { host: 'fd00::6', port: 3260 })).toBe(false)
  expect(samePortal(parsePortal('fe80::1%eth0'), { host: 'fe80::1%eth1', port: 3260 })).toBe(false)
  // Names of files in a record directory are passed here unchecked.
  expect(samePortal(ours, { host: '1.2.3.4::', port: 3260 })).toBe(false)
})
