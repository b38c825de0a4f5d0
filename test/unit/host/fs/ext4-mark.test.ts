import { describe, expect, it } from 'vitest'

import { ext4Mark, isMountedSince } from '../../../../src/host/fs/ext4-mark.ts'

function head({
  mounts = 3,
  mountedAt = 1_700_000_000,
  checkedAt = 1_600_000_000,
  uuid = 'aa',
} = {}): Buffer {
  const bytes = Buffer.alloc(4096)
  const block = bytes.subarray(1024)
  block.writeUInt16LE(0xef53, 0x38)
  block.writeUInt16LE(mounts, 0x34)
  block.writeUInt32LE(mountedAt % 2 ** 32, 0x2c)
  block[0x275] = Math.floor(mountedAt / 2 ** 32)
  block.writeUInt32LE(checkedAt, 0x40)
  block.write(uuid.repeat(16), 0x68, 'hex')
  return bytes
}
const mark = (change = {}) => ext4Mark(head(change))!

describe('ext4Mark', () => {
  it('reads the superblock', () =>
    expect(mark({ mountedAt: 5_000_000_000 })).toEqual({
      uuid: 'aa'.repeat(16),
      mounts: 3,
      mountedAt: 5_000_000_000,
      checkedAt: 1_600_000_000,
    }))
  it('is null without an ext4 superblock', () => {
    expect(ext4Mark(Buffer.alloc(4096))).toBeNull()
    expect(ext4Mark(Buffer.alloc(512))).toBeNull()
  })
})

describe('isMountedSince', () => {
  it.each([
    ['the same', {}, false],
    ['one more mount', { mounts: 4, mountedAt: 1_700_000_100 }, true],
    ['one more mount on a node whose clock is behind', { mounts: 4, mountedAt: 1_600_000_000 }, true],
    ['a check that set the count back, and a mount', { mounts: 1, checkedAt: 1_700_000_050 }, true],
    ['a later mount with the same count', { mountedAt: 1_700_000_100 }, true],
    [
      'the superblock of before this mount, which has not arrived',
      { mounts: 2, mountedAt: 1_699_000_000 },
      false,
    ],
    ['another file system', { uuid: 'bb' }, true],
  ])('%s: %o', (_, theirs, expected) => expect(isMountedSince(mark(), mark(theirs))).toBe(expected))
  it('is true if there is no file system any more', () => expect(isMountedSince(mark(), null)).toBe(true))
})
