import { describe, expect, test } from 'vitest'

import { readHoldMaps, readPaths, removeHoldMap } from '../../../../src/host/map/hold-map.ts'
import { queueingMaps } from '../../../../src/host/map/queueing.ts'
import { readMap } from '../../../../src/host/read/maps.ts'
import { rootWith } from '../iscsi/root.ts'

const map = (name: string) => ({
  'sys/block/dm-0/dev': '253:0\n',
  'sys/block/dm-0/dm/name': `${name}\n`,
  'sys/block/dm-0/dm/uuid': `${name}\n`,
})
const TABLES =
  'lunkeeper-db: 0 131072 multipath 1 queue_if_no_path 0 1 1 service-time 0 1 1 8:16 1\nmpatha: 0 131072 multipath 0 0 1 1 service-time 0 1 1 8:32 1\n'
const FAILED = { code: 1, stderr: 'Command failed: Cannot allocate memory' }

describe('the tables of multipath maps', () => {
  test('tell which maps queue I/O, and which of them are hold maps', async () => {
    const host = rootWith(map('lunkeeper-db'), { stdout: TABLES })
    expect(await queueingMaps(host)).toEqual(new Set(['lunkeeper-db']))
    expect((await queueingMaps(host)).has('mpatha')).toBe(false)
    expect([...(await readHoldMaps(host)).keys()]).toEqual(['lunkeeper-db'])
  })

  test('a dmsetup that fails is not a node without maps: no caller may take it for one', async () => {
    const host = rootWith(map('lunkeeper-db'), FAILED)
    for (const read of [readPaths, readHoldMaps, queueingMaps])
      await expect(read(host)).rejects.toMatchObject({ code: 'MAP_FAILED' })
  })

  test('a dmsetup that a signal ended has not listed the maps', async () => {
    const host = rootWith(map('lunkeeper-db'), { code: null, signal: 'SIGKILL' })
    await expect(readPaths(host)).rejects.toMatchObject({ code: 'MAP_FAILED' })
  })

  test('a node without device-mapper has no maps', async () => {
    expect(await readPaths(rootWith({}, FAILED))).toEqual(new Map())
  })
})

test('removing a map that is not open fails with MAP_FAILED, even if its name contains "busy"', async () => {
  const removal = (stderr: string) => {
    const host = rootWith(map('lunkeeper-busybox'), { code: 1, stderr })
    return removeHoldMap(host, readMap(host.paths, 'dm-0')!)
  }
  await expect(
    removal('device-mapper: remove ioctl on lunkeeper-busybox failed: Input/output error'),
  ).rejects.toMatchObject({ code: 'MAP_FAILED' })
  await expect(
    removal('device-mapper: remove ioctl on lunkeeper-busybox failed: Device or resource busy'),
  ).rejects.toMatchObject({ code: 'BUSY' })
})
