import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { checkFs } from '../../../../src/host/fs/check.ts'
import { makeFs } from '../../../../src/host/fs/make.ts'
import {
  makeMountPoint,
  missingDirectories,
  removeMountPoint,
  resolveDirectory,
} from '../../../../src/host/fs/mount.ts'
import { sinceBootMs } from '../../../../src/host/clock.ts'
import { WriteProof } from '../../../../src/host/proof/issue.ts'
import { isBlank, probeContent } from '../../../../src/host/fs/probe.ts'
import type { Host } from '../../../../src/host/host.ts'
import { openHost } from '../../../../src/host/host.ts'
import { hostPaths } from '../../../../src/host/paths.ts'

const MIB = 1 << 20
const SIZE = 64 * MIB
const UUID = 'c5a8f2de-0a30-4cbb-9b36-1c1c8e4d1f00'

let root: string
let host: Host
/** A regular file in place of the device: the programs treat it like a disk. */
let disk: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lunkeeper-fs-'))
  mkdirSync(join(root, 'dev'))
  disk = join(root, 'dev/sdx')
  writeFileSync(disk, '')
  truncateSync(disk, SIZE)
  host = openHost({ paths: hostPaths(root) })
  onTestFinished(() => {
    host.workers.close()
    rmSync(root, { recursive: true, force: true })
  })
})

async function put(at: number, bytes: string | readonly number[]): Promise<void> {
  const file = await open(disk, 'r+')
  await file.write(typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes), 0, null, at)
  await file.close()
}

describe('isBlank', () => {
  test('is true for zeros from end to end', async () => {
    expect(await isBlank(host, 'sdx', SIZE)).toBe(true)
  })

  test.each([
    ['the first byte', 0],
    ['the last byte of the first MiB', MIB - 1],
    ['the first byte of the last MiB', SIZE - MIB],
    ['the last byte', SIZE - 1],
  ])('is false with %s written', async (_, at) => {
    await put(at, 'x')
    expect(await isBlank(host, 'sdx', SIZE)).toBe(false)
  })

  test('a LUKS volume whose first header was wiped is not blank', async () => {
    // struct luks2_phdr (util-linux libblkid/src/superblocks/luks.c): magic, version, and its position.
    const header = Buffer.alloc(4096)
    header.set(Buffer.from('SKUL\xba\xbe', 'latin1'))
    header.writeUInt16BE(2, 6)
    header.writeBigUInt64BE(BigInt(2 * MIB), 256)
    await put(2 * MIB, [...header])
    expect((await probeContent(host, 'sdx')).type).toBe('crypto_LUKS')
    expect(await isBlank(host, 'sdx', SIZE)).toBe(false)
  })

  test("a device without a size, or with another size than the kernel's, is not blank", async () => {
    expect(await isBlank(host, 'sdx', 0)).toBe(false)
  })

  test('a device that cannot be read to its end is not blank', async () => {
    await expect(isBlank(host, 'sdx', SIZE * 2)).rejects.toMatchObject({ code: 'NOT_BLANK' })
    await expect(isBlank(host, 'none', SIZE)).rejects.toMatchObject({ code: 'MOUNT_FAILED' })
  })
})

describe('probeContent', () => {
  test('finds no signature in zeros and in raw data', async () => {
    expect(await probeContent(host, 'sdx')).toEqual({ type: null, uuid: null })
    await put(0, 'raw data of a database')
    expect(await probeContent(host, 'sdx')).toEqual({ type: null, uuid: null })
  })

  test('a device that cannot be opened is an error, not a device without a signature', async () => {
    await expect(probeContent(host, 'none')).rejects.toMatchObject({
      code: 'MOUNT_FAILED',
      message: expect.stringContaining('cannot be read'),
    })
  })

  test('finds a partition table', async () => {
    await put(510, [0x55, 0xaa])
    await put(446, [0, 0, 2, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0])
    expect((await probeContent(host, 'sdx')).type).toBe('dos')
  })
})

const DEVICE = { name: 'sdx', devno: '8:16' }
const proof = () => new WriteProof([DEVICE.devno], sinceBootMs(), () => false)

describe('ext4', () => {
  test('is neither created nor checked with a proof of another device', async () => {
    const other = new WriteProof(['8:32'], sinceBootMs(), () => false)
    await expect(makeFs(host, other, DEVICE, 'ext4', UUID)).rejects.toMatchObject({ code: 'PROOF_EXPIRED' })
    await expect(checkFs(host, other, DEVICE, 'ext4')).rejects.toMatchObject({ code: 'PROOF_EXPIRED' })
    expect(await isBlank(host, 'sdx', SIZE)).toBe(true)
  })

  test('is created with the given UUID, and passes its check', async () => {
    await makeFs(host, proof(), DEVICE, 'ext4', UUID)
    expect(await probeContent(host, 'sdx')).toEqual({ type: 'ext4', uuid: UUID })
    expect(await isBlank(host, 'sdx', SIZE)).toBe(false)
    await checkFs(host, proof(), DEVICE, 'ext4')
  })

  test('that is damaged beyond what is safe to repair is FS_DAMAGED', async () => {
    await makeFs(host, proof(), DEVICE, 'ext4', UUID)
    execFileSync('debugfs', ['-w', '-R', 'clri <2>', disk], { stdio: 'ignore' })
    await put(1024 + 58, [2, 0])
    await expect(checkFs(host, proof(), DEVICE, 'ext4')).rejects.toMatchObject({ code: 'FS_DAMAGED' })
  })

  test.each([
    ['busy', { code: 8, stderr: 'fsck.ext4: Device or resource busy while trying to open /dev/sdx' }],
    ['not readable now', { code: 8, stderr: 'fsck.ext4: Input/output error while trying to open /dev/sdx' }],
    ['being checked when e2fsck is killed', { code: null, signal: 'SIGKILL' }],
  ])('that is %s is not reported as damaged', async (_, ran) => {
    const run = async () => ({ signal: null, stdout: '', stderr: '', ...ran })
    await expect(checkFs({ ...host, run }, proof(), DEVICE, 'ext4')).rejects.toMatchObject({
      code: 'MOUNT_FAILED',
    })
  })

  test('a failure of mkfs is reported in its own words', async () => {
    truncateSync(disk, 4096)
    await expect(makeFs(host, proof(), DEVICE, 'ext4', UUID)).rejects.toMatchObject({ code: 'MOUNT_FAILED' })
  })
})

const point = () => join(root, 'mnt/a/b')

describe('a mount point', () => {
  test('is created with its parents, and removed with them', async () => {
    const missing = await missingDirectories(host, point())
    expect(missing).toEqual([join(root, 'mnt'), join(root, 'mnt/a'), point()])
    await makeMountPoint(host, point())
    await removeMountPoint(host, missing)
    expect(existsSync(join(root, 'mnt'))).toBe(false)
  })

  test('is resolved without being accessed: the mount table says where it is', async () => {
    mkdirSync(join(root, 'mnt/a'), { recursive: true })
    symlinkSync(join(root, 'elsewhere'), point())
    mkdirSync(join(root, 'elsewhere'))
    expect(await resolveDirectory(host, point())).toBe(join(root, 'elsewhere'))
    mkdirSync(join(root, 'proc/1'), { recursive: true })
    writeFileSync(join(root, 'proc/1/mountinfo'), `36 1 8:0 / ${point()} rw - ext4 /dev/sdx rw\n`)
    expect(await resolveDirectory(host, point())).toBe(point())
  })

  test('that existed before stays, and so does a directory that is not empty', async () => {
    mkdirSync(join(root, 'mnt'))
    const missing = await missingDirectories(host, point())
    await makeMountPoint(host, point())
    writeFileSync(join(root, 'mnt/a/kept'), '')
    await removeMountPoint(host, missing)
    expect(readdirSync(join(root, 'mnt'))).toEqual(['a'])
    expect(readdirSync(join(root, 'mnt/a'))).toEqual(['kept'])
  })

  test.each<[string, (path: string) => void]>([
    ['is not empty', (path) => (mkdirSync(path), writeFileSync(join(path, 'x'), ''))],
    ['is a file', (path) => writeFileSync(path, '')],
    ['is a link', (path) => (mkdirSync(join(root, 'empty')), symlinkSync(join(root, 'empty'), path))],
    ['is a link to nothing', (path) => symlinkSync(join(root, 'none'), path)],
  ])('that %s is refused', async (_, prepare) => {
    const path = join(root, 'point')
    prepare(path)
    await expect(makeMountPoint(host, path)).rejects.toMatchObject({ code: 'BAD_MOUNT' })
  })
})
