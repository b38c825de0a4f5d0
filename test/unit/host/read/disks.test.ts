import { expect, test } from 'vitest'
import { readDeviceType, readDisk, readDiskByName, readDisks } from '../../../../src/host/read/disks.ts'
import { parseLun } from '../../../../src/model/lun.ts'
import { lay, nothing, recorded } from './tree.ts'

const UNIT = 'sys/devices/platform/host1/session2/target1:0:0/1:0:0:300'
const debians = ['bookworm', 'trixie']

test.for(debians)('%s: one LUN is found by its session and number, also 300', (debian) => {
  expect(readDisk(lay(recorded(`${debian}-two-portals`)), { sid: 2 }, parseLun(300))).toEqual({
    hctl: { host: 1, channel: 0, target: 0, lun: 300 },
    sid: 2,
    name: 'sdc',
    devno: '8:32',
    state: 'running',
    bytes: 32 << 20,
    cached: { wwid: 'naa.6001405e300000000000000000000000', serial: 'volume-300' },
    holders: ['dm-1'],
    partitions: [],
    sg: 'sg2',
    readOnly: false,
  })
})

test.for(debians)('%s: a disk knows its partitions and what stands on them', (debian) => {
  expect(readDisk(lay(recorded(`${debian}-in-use`)), { sid: 1 }, parseLun(7))).toMatchObject({
    name: 'sda',
    bytes: 400 << 20,
    partitions: [
      { name: 'sda1', devno: '8:1' },
      { name: 'sda2', devno: '8:2' },
    ],
    holders: ['dm-0'],
  })
})

test('a LUN of another session, or one that is not there, is not found', () => {
  const host = lay(recorded('bookworm-two-portals'))
  expect(readDisk(host, { sid: 1 }, parseLun(300))).toBeNull()
  expect(readDisk(host, { sid: 2 }, parseLun(30))).toBeNull()
  expect(readDisk(host, { sid: 9 }, parseLun(0))).toBeNull()
  expect(readDisk(lay(recorded('bookworm-logged-in')), { sid: 1 }, parseLun(7))).toBeNull()
  expect(readDisk(lay(nothing), { sid: 1 }, parseLun(7))).toBeNull()
})

test('listDisks returns all LUNs of a session and no others', () => {
  const host = lay(recorded('bookworm-two-portals'))
  expect(readDisks(host, { sid: 2 }).map(({ name, hctl }) => [name, hctl.lun])).toEqual([
    ['sdb', 0],
    ['sdc', 300],
  ])
  expect(readDisks(host, { sid: 3 }).map(({ name, hctl }) => [name, hctl.lun])).toEqual([['sdd', 300]])
})

test.for(debians)('%s: an outage shows in the state of the disk', (debian) => {
  expect(readDisk(lay(recorded(`${debian}-away`)), { sid: 2 }, parseLun(0))?.state).toBe('blocked')
  expect(readDisk(lay(recorded(`${debian}-given-up`)), { sid: 2 }, parseLun(0))?.state).toBe(
    'transport-offline',
  )
})

test('a disk is found by its name, a partition or a map is none', () => {
  const host = lay(recorded('bookworm-two-portals'))
  expect(readDiskByName(host, 'sdd')).toEqual(readDisk(host, { sid: 3 }, parseLun(300)))
  for (const name of ['sda1', 'dm-0', 'sdz', '', '..', 'sda/sda1'])
    expect(readDiskByName(host, name)).toBeNull()
})

test('a name that went to another disk meanwhile is not followed', () => {
  const tree = new Map(recorded('bookworm-two-portals'))
  tree.set('sys/class/block/sdd', ' -> ../../devices/platform/host1/session2/target1:0:0/1:0:0:300/block/sdd')
  expect(readDiskByName(lay(tree), 'sdd')).toBeNull()
})

test('a disk of another bus is not an iSCSI disk', () => {
  const tree = new Map([
    [
      'sys/class/block/sdx',
      ' -> ../../devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sdx',
    ],
  ])
  expect(readDiskByName(lay(tree), 'sdx')).toBeNull()
})

test('identity is read only where it is asked for', () => {
  const host = lay(recorded('bookworm-two-portals'))
  expect(readDisk(host, { sid: 2 }, parseLun(0), { identity: false })?.cached).toEqual({
    wwid: null,
    serial: null,
  })
})

test('before the sd driver has probed it, and where it is not a disk, a device has no name', () => {
  const tree = new Map(
    [...recorded('bookworm-two-portals')].filter(([path]) => !path.startsWith(`${UNIT}/block`)),
  )
  const host = lay(tree, { [`${UNIT}/type`]: '13\n' })
  expect(readDisk(host, { sid: 2 }, parseLun(300))).toMatchObject({
    name: null,
    devno: null,
    bytes: 0,
    state: 'running',
    partitions: [],
  })
  expect(readDeviceType(host, { host: 1, channel: 0, target: 0, lun: parseLun(300) })).toBe(13)
  expect(readDeviceType(host, { host: 1, channel: 0, target: 0, lun: parseLun(3) })).toBeNull()
})

test('a disk has no name before it has a device number', () => {
  const host = lay(recorded('bookworm-two-portals'), { [`${UNIT}/block/sdc/dev`]: null })
  expect(readDisk(host, { sid: 2 }, parseLun(300))).toMatchObject({ name: null, devno: null })
})

test('a device that goes while it is read is left out', () => {
  const host = lay(recorded('bookworm-two-portals'), { [`${UNIT}/state`]: null })
  expect(readDisk(host, { sid: 2 }, parseLun(300))).toBeNull()
  expect(readDisks(host, { sid: 2 }).map(({ name }) => name)).toEqual(['sdb'])
})

test('attributes with impossible values are not used', () => {
  const host = lay(recorded('bookworm-two-portals'), {
    [`${UNIT}/wwid`]: 'whatever\n',
    [`${UNIT}/vpd_pg80`]: '\0',
    [`${UNIT}/block/sdc/size`]: 'large\n',
    [`${UNIT}/block/sdc/ro`]: '1\n',
  })
  expect(readDisk(host, { sid: 2 }, parseLun(300))).toMatchObject({
    cached: { wwid: null, serial: null },
    bytes: 0,
    readOnly: true,
  })
})

test('a name string in the wwid attribute comes filled up with zeros', () => {
  const host = lay(recorded('bookworm-two-portals'), {
    [`${UNIT}/wwid`]: 'naa.6001405E300000000000000000000000\0\0\0\n',
  })
  expect(readDisk(host, { sid: 2 }, parseLun(300))?.cached.wwid).toBe('naa.6001405e300000000000000000000000')
})

test('a well known unit and a LUN of 64 bits keep their session in use', () => {
  const units = 'sys/devices/platform/host1/session2/target1:0:0'
  const host = lay(recorded('bookworm-two-portals'), {
    [`${units}/1:0:0:49409/state`]: 'running\n',
    [`${units}/1:0:0:18446744073709551615/state`]: 'running\n',
    [`${units}/1:0:0:x/state`]: 'running\n',
  })
  expect(readDisks(host, { sid: 2 }).map(({ hctl, name }) => [hctl.lun, name])).toEqual([
    [0, 'sdb'],
    [300, 'sdc'],
    [49409, null],
    [18446744073709552000, null],
  ])
})
