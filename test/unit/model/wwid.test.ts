import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseWwid, sameWwid } from '../../../src/model/wwid.ts'
import { codeOf } from './code-of.ts'

const NAA6 = '600140512345678abcdef0123456789a'
const NAA5 = '5000c500a1b2c3d4'

describe('one name, printed by different programs', () => {
  test.each([
    ['the kernel', `naa.${NAA6}`],
    ['a storage system', NAA6.toUpperCase()],
    ['a storage system with 0x', `0x${NAA6}`],
    ['scsi_id and multipath', `3${NAA6}`],
    ['by-id, scsi', `scsi-3${NAA6}`],
    ['by-id, wwn', `wwn-0x${NAA6}`],
    ['a whole by-id link', `/dev/disk/by-id/wwn-0x${NAA6}`],
    ['device-mapper', `mpath-3${NAA6}`],
    ['by-id of a map', `/dev/disk/by-id/dm-uuid-mpath-3${NAA6}`],
    ['upper case', `NAA.${NAA6.toUpperCase()}`],
    ['with blanks and a line end', ` naa.${NAA6}\n`],
  ])('%s', (_, text) => {
    expect(parseWwid(text)).toBe(`naa.${NAA6}`)
  })

  test.each([
    [`naa.${NAA5}`, `naa.${NAA5}`],
    [`3${NAA5}`, `naa.${NAA5}`],
    [`wwn-0x${NAA5}`, `naa.${NAA5}`],
    ['naa.20000000c9a1b2c3', 'naa.20000000c9a1b2c3'],
    ['naa.3abcdef012345678', 'naa.3abcdef012345678'],
    ['eui.0025385b61b0f17a', 'eui.0025385b61b0f17a'],
    ['20025385b61b0f17a', 'eui.0025385b61b0f17a'],
    ['scsi-20025385b61b0f17a', 'eui.0025385b61b0f17a'],
    ['eui.0025385b61b0f17a00000000', 'eui.0025385b61b0f17a00000000'],
    ['eui.00253858918000010025385891800001', 'eui.00253858918000010025385891800001'],
  ])('%s', (text, wwid) => {
    expect(parseWwid(text)).toBe(wwid)
  })
})

test('T10 names: as the kernel prints them, as udev and multipath do, padded or not', () => {
  const kernel = parseWwid('t10.LIO-ORG disk0      405b2a55-3a6d')
  for (const text of [
    't10.LIO-ORG_disk0_405b2a55-3a6d',
    't10.LIO-ORG disk0 405b2a55-3a6d   ',
    '1LIO-ORG_disk0_405b2a55-3a6d',
    '1LIO-ORG disk0      405b2a55-3a6d',
    'scsi-1LIO-ORG_disk0_405b2a55-3a6d',
    'mpath-1LIO-ORG_disk0_405b2a55-3a6d',
  ])
    expect(sameWwid(kernel, parseWwid(text))).toBe(true)
  expect(sameWwid(kernel, parseWwid('t10.LIO-ORG disk0      405b2a55-3a6e'))).toBe(false)
})

test('a SCSI name string stays as it is, and its case does not count', () => {
  const text = 'iqn.2001-05.com.Example:x,L,0x0000000000000001'
  expect(parseWwid(text)).toBe(text)
  expect(sameWwid(parseWwid(text), parseWwid(text.toLowerCase()))).toBe(true)
})

describe('parseWwid refuses', () => {
  test.each([
    ['nothing', ''],
    ['a word', 'disk'],
    ['a device', '/dev/sdb'],
    ['a by-path link', '/dev/disk/by-path/ip-10.0.0.5:3260-iscsi-iqn.2001-05.com.example:x-lun-1'],
    ['a serial', 'S3Z1NB0K123456'],
    ['vendor, model and serial', 'scsi-SLIO-ORG_disk0_405b2a55'],
    ['NAA 6 cut in half', `naa.${NAA6.slice(0, 16)}`],
    ['NAA 6 cut in half, in the form of multipath', `3${NAA6.slice(0, 16)}`],
    ['NAA 5 of twice the length', `naa.5${NAA6.slice(1)}`],
    ['one digit too few', `naa.${NAA6.slice(1)}`],
    ['one digit too many', `naa.${NAA6}0`],
    ['an unknown NAA', 'naa.9000c500a1b2c3d4'],
    ['not hexadecimal', `naa.${NAA6.slice(0, -1)}g`],
    ['a partition', `wwn-0x${NAA6}-part1`],
    ['T10 with nothing in it', 't10.'],
    ['T10 of blanks', 't10.   '],
    ['T10 of blanks, as udev prints them', 't10.__'],
    ['0x alone', '0x'],
    ['a T10 name of digits alone', '1234567890abcdef'],
  ])('%s', (_, text) => {
    expect(codeOf(() => parseWwid(text))).toBe('BAD_WWID')
  })
})

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`))

test('two volumes never compare equal, and one compares equal in every form', () => {
  fc.assert(
    fc.property(hex(31), hex(31), (a, b) => {
      const forms = [`naa.6${a}`, `36${a}`, `wwn-0x6${a}`, `6${a}`.toUpperCase()].map(parseWwid)
      for (const form of forms) {
        expect(sameWwid(form, forms[0]!)).toBe(true)
        expect(sameWwid(form, parseWwid(`naa.6${b}`))).toBe(a === b)
      }
    }),
  )
})

test('what was read once is read again as the same', () => {
  const any = fc.oneof(
    fc.string({ unit: 'grapheme-ascii' }).map((text) => `t10.${text}`),
    hex(16).map((text) => `eui.${text}`),
    hex(17).map((text) => `3${text}`),
  )
  fc.assert(
    fc.property(any, (text) => {
      if (codeOf(() => parseWwid(text)) !== null) return
      const wwid = parseWwid(text)
      expect(parseWwid(wwid)).toBe(wwid)
    }),
  )
})
