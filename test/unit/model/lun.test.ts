import { expect, test } from 'vitest'
import { formatHctl, readHctl } from '../../../src/model/hctl.ts'
import { parseLun } from '../../../src/model/lun.ts'
import { codeOf } from './code-of.ts'

test.each([
  ['0', 0],
  ['1', 1],
  ['255', 255],
  ['16640', 16_640],
  ['4294967295', 4_294_967_295],
])('%s', (text, lun) => {
  expect(parseLun(text)).toBe(lun)
  expect(parseLun(lun)).toBe(lun)
})

test.each([
  ['what the kernel would read as 8', '010'],
  ['what the kernel would read as 16', '0x10'],
  ['00', '00'],
  ['negative', '-1'],
  ['minus nothing', '-0'],
  ['signed', '+1'],
  ['a wildcard', '-'],
  ['nothing', ''],
  ['blank', ' '],
  ['padded', ' 1'],
  ['with a line end', '1\n'],
  ['a fraction', '1.0'],
  ['an exponent', '1e3'],
  ['three levels', '4294967296'],
  ['64 bits', '18446744073709551615'],
  ['other digits', '١'],
  ['three numbers', '0 0 1'],
])('%s is refused', (_, text) => {
  expect(codeOf(() => parseLun(text))).toBe('BAD_LUN')
})

test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32])('%d is refused', (number) => {
  expect(codeOf(() => parseLun(number))).toBe('BAD_LUN')
})

test('a SCSI address in sysfs, and nothing else that stands there', () => {
  expect(formatHctl(readHctl('3:0:0:16640')!)).toBe('3:0:0:16640')
  for (const name of ['host3', 'target3:0:0', '3:0:0', '3:0:0:1:2', '3:0:0:x', ''])
    expect(readHctl(name)).toBeNull()
})
