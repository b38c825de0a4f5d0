import { assert, constantFrom, property, stringMatching } from 'fast-check'
import { expect, test } from 'vitest'

import { holdMapName } from '../../../../src/host/map/hold-map.ts'
import { isName, parseName } from '../../../../src/model/name.ts'

/** dm-ioctl.h: DM_NAME_LEN is 128 with the zero at the end. */
const LONGEST = 127
const name = stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/).map(parseName)
const ofLength = (length: number, last = 'a') => parseName('v'.repeat(length - 1) + last)

test('a name that is short enough is used unchanged', () => {
  expect(holdMapName(parseName('db'))).toBe('lunkeeper-db')
  expect(holdMapName(ofLength(117))).toBe(`lunkeeper-${ofLength(117)}`)
})

test('the map of any volume has a name that device-mapper accepts and udev does not escape', () =>
  assert(
    property(name, (volume) => {
      expect(holdMapName(volume).length).toBeLessThanOrEqual(LONGEST)
      expect(holdMapName(volume)).toMatch(/^lunkeeper-[A-Za-z0-9#+\-.:=@_]+$/)
    }),
  ))

test.each([118, 127, 128])(
  'two names of %i characters that differ only at their end have different maps',
  (length) => {
    expect(holdMapName(ofLength(length, 'a'))).not.toBe(holdMapName(ofLength(length, 'b')))
    expect(holdMapName(ofLength(length))).toBe(holdMapName(ofLength(length)))
  },
)

test('no volume can have a name like the shortened name of another map', () =>
  assert(
    property(constantFrom(118, 119, 127, 128), (length) => {
      const map = holdMapName(ofLength(length))
      expect(isName(map.slice('lunkeeper-'.length))).toBe(false)
    }),
  ))

test('the name of a map never changes, so that a map that was created before an upgrade is found after it', () => {
  expect(holdMapName(ofLength(128))).toBe(`lunkeeper-${'v'.repeat(84)}+42c1619f547e943a50a4c33a1e97a5ed`)
})
