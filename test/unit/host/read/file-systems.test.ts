import { expect, test } from 'vitest'
import { isFsAlive, readLiveFs } from '../../../../src/host/read/file-systems.ts'
import { lay, nothing, recorded } from './tree.ts'

test.for(['bookworm', 'trixie'])(
  '%s: the file systems alive and their counters, nothing else of those directories',
  (debian) => {
    expect(readLiveFs(lay(recorded(`${debian}-in-use`)))).toEqual([
      { device: 'sdb', fs: 'ext4', errors: 0, warnings: 0 },
      { device: 'sda1', fs: 'xfs', errors: null, warnings: null },
    ])
  },
)

test('a file system without a mount counts as alive', () => {
  const host = lay(nothing, {
    'sys/fs/ext4/dm-3/errors_count': '382\n',
    'sys/fs/xfs/dm-4/error/fail_at_unmount': '1\n',
  })
  expect(isFsAlive(host, 'dm-3')).toBe(true)
  expect(isFsAlive(host, 'dm-4')).toBe(true)
  expect(isFsAlive(host, 'dm-5')).toBe(false)
  expect(readLiveFs(host)[0]).toEqual({ device: 'dm-3', fs: 'ext4', errors: 382, warnings: null })
})

test('without their modules, no file systems are listed', () => {
  expect(readLiveFs(lay(nothing))).toEqual([])
  expect(isFsAlive(lay(nothing), 'sda')).toBe(false)
})
