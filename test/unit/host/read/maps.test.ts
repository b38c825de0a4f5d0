import { expect, test } from 'vitest'
import { isMultipath, readMap, readMaps } from '../../../../src/host/read/maps.ts'
import { lay, nothing, recorded } from './tree.ts'

test.for(['bookworm', 'trixie'])('%s: a map shows what is below it and what is on top', (debian) => {
  const host = lay(recorded(`${debian}-two-portals`))
  expect(readMap(host, 'dm-1')).toEqual({
    device: 'dm-1',
    name: 'mpatha',
    uuid: 'mpath-3600140',
    devno: readMap(host, 'dm-0')?.devno.replace(':0', ':1'),
    bytes: 32 << 20,
    suspended: false,
    slaves: ['sdc', 'sdd'],
    holders: [],
  })
  expect(readMap(host, 'dm-0')).toMatchObject({
    name: 'data\\x20volume',
    uuid: '',
    slaves: ['sda2'],
    bytes: 1 << 20,
  })
})

test('only a map of multipath-tools is a multipath map', () => {
  expect(readMaps(lay(recorded('bookworm-two-portals'))).map(isMultipath)).toEqual([false, true])
  expect(isMultipath({ uuid: 'part1-mpath-3600140' })).toBe(false)
  expect(isMultipath({ uuid: 'LVM-mpath-' })).toBe(false)
})

test('a suspended map says so', () => {
  const host = lay(recorded('bookworm-two-portals'), { 'sys/devices/virtual/block/dm-1/dm/suspended': '1\n' })
  expect(readMap(host, 'dm-1')?.suspended).toBe(true)
})

test.for(['dm/name', 'dev'])('a map that goes before its %s is read is left out', (attribute) => {
  const host = lay(recorded('bookworm-two-portals'), {
    [`sys/devices/virtual/block/dm-1/${attribute}`]: null,
  })
  expect(readMaps(host).map(({ device }) => device)).toEqual(['dm-0'])
})

test('a disk is not a map, nor is a device that does not exist', () => {
  expect(readMap(lay(recorded('bookworm-two-portals')), 'sda')).toBeNull()
  expect(readMap(lay(recorded('bookworm-two-portals')), 'dm-9')).toBeNull()
  expect(readMaps(lay(nothing))).toEqual([])
})

test('map 10 comes after map 9', () => {
  const changes = Object.fromEntries(
    ['dm-10', 'dm-9'].flatMap((device) => [
      [`sys/block/${device}/dm/name`, device],
      [`sys/block/${device}/dev`, '254:1\n'],
    ]),
  )
  expect(readMaps(lay(nothing, changes)).map(({ name }) => name)).toEqual(['dm-9', 'dm-10'])
})
