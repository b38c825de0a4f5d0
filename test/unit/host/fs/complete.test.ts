import { describe, expect, it } from 'vitest'

import { isFsComplete } from '../../../../src/host/fs/complete.ts'
import type { Host } from '../../../../src/host/host.ts'
import { hostPaths } from '../../../../src/host/paths.ts'
import type { ScsiDisk } from '../../../../src/model/snapshot.ts'
import { temporary } from '../../temporary.ts'

const HEAD_BYTES = 4096

/** As mkfs.ext4 leaves it: no mounts, and no mount time. */
function newExt4(): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt16LE(0xef53, 1024 + 0x38)
  return head
}

function newXfs(inProgress: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.write('XFSB')
  head[126] = inProgress
  return head
}

/** @param code exit status of the check · @param head as it is on the target; null: it cannot be read */
function complete(type: string, code: number | null, head: Buffer | null): Promise<boolean> {
  const host = {
    paths: hostPaths(temporary()),
    run: async () => ({ code, signal: code === null ? 'SIGKILL' : null, stdout: '', stderr: '' }),
    workers: { use: async () => head },
  } as unknown as Host
  return isFsComplete(host, 'dm-0', { name: 'sda', sg: 'sg0', sid: 1 } as unknown as ScsiDisk, type)
}

describe('a file system that mkfs may not have finished', () => {
  it('is complete where the check finds no error', async () => {
    expect(await complete('ext4', 0, null)).toBe(true)
    expect(await complete('xfs', 0, null)).toBe(true)
  })

  it.for([4, 8, 12])('is not, if it has errors and was never mounted: e2fsck ends with %s', async (code) => {
    expect(await complete('ext4', code, newExt4())).toBe(false)
  })

  it.for([
    ['mounts', 0x34],
    ['the time of the last mount', 0x2c],
  ] as const)('holds data, if its superblock has %s, whatever its errors are', async ([, offset]) => {
    const head = Buffer.from(newExt4())
    head[1024 + offset] = 1
    for (const code of [4, 8]) expect(await complete('ext4', code, head)).toBe(true)
  })

  it('of xfs is not, while it is marked as being made; and holds data once it is not, even with errors', async () => {
    expect(await complete('xfs', 1, newXfs(1))).toBe(false)
    expect(await complete('xfs', 1, newXfs(0))).toBe(true)
  })

  it.for([
    ['ext4', 16],
    ['ext4', 32],
    ['ext4', 128],
    ['ext4', null],
    ['xfs', 2],
    ['xfs', null],
  ] as const)('is not judged by a check that failed: %s ends with %s', async ([type, code]) => {
    const head = type === 'ext4' ? newExt4() : newXfs(1)
    await expect(complete(type, code, head)).rejects.toMatchObject({ code: 'MOUNT_FAILED' })
  })

  it('is not judged without its superblock', async () => {
    await expect(complete('ext4', 4, null)).rejects.toMatchObject({ code: 'MOUNT_FAILED' })
  })
})
