import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { whenAppears } from '../../../../src/host/disk/appear.ts'
import { withExclusiveOpen } from '../../../../src/host/disk/exclusive-open.ts'
import { removeDisk, rescanDisk } from '../../../../src/host/disk/remove.ts'
import { scanLun } from '../../../../src/host/disk/scan.ts'
import { sinceBootMs } from '../../../../src/host/clock.ts'
import { WriteProof } from '../../../../src/host/proof/issue.ts'
import { identifyWithSgInq } from '../../../../src/host/disk/sg-inq.ts'
import { parseLun } from '../../../../src/model/lun.ts'
import { disk, session } from '../../model/plan/facts.ts'
import { rootWith } from '../iscsi/root.ts'

const DEVICE = 'sys/class/scsi_device/3:0:0:1/device'

describe('a write to sysfs', () => {
  test('a scan names one LUN of one session, never a wildcard', async () => {
    const host = rootWith({ 'sys/class/scsi_host/host3/scan': '' })
    await scanLun(host, session, parseLun(16_640))
    expect(readFileSync(join(host.root, 'sys/class/scsi_host/host3/scan'), 'utf8')).toBe('0 0 16640')
    await scanLun(host, { ...session, targetId: null }, parseLun(0))
    expect(readFileSync(join(host.root, 'sys/class/scsi_host/host3/scan'), 'utf8')).toMatch(/^0 0 0/)
  })

  test('removes or rescans a disk by its address, because names are reused', async () => {
    const host = rootWith({ [`${DEVICE}/delete`]: '', [`${DEVICE}/rescan`]: '' })
    await removeDisk(host, disk(null))
    await rescanDisk(host, disk(null))
    expect(readFileSync(join(host.root, DEVICE, 'delete'), 'utf8')).toBe('1')
    expect(readFileSync(join(host.root, DEVICE, 'rescan'), 'utf8')).toBe('1')
  })

  test('succeeds for the removal of a disk that is gone; a rescan or scan is NOT_FOUND', async () => {
    const host = rootWith()
    await expect(removeDisk(host, disk(null))).resolves.toBeUndefined()
    await expect(rescanDisk(host, disk(null))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(scanLun(host, session, parseLun(1))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('withExclusiveOpen', () => {
  const isRoot = process.getuid?.() === 0

  test.skipIf(!isRoot)(
    'claims, flushes and releases a free device, and is null for a claimed one',
    async () => {
      const host = rootWith({ disk: Buffer.alloc(1 << 20) })
      const loop = execFileSync('losetup', ['--find', '--show', join(host.root, 'disk')], {
        encoding: 'utf8',
      }).trim()
      const name = loop.slice('/dev/'.length)
      const real = { ...host, paths: { ...host.paths, dev: '/dev', sys: '/sys' } }
      const devno = readFileSync(`/sys/class/block/${name}/dev`, 'utf8').trim()
      const unproven = { code: 'PROOF_EXPIRED' }
      try {
        const outcome = await withExclusiveOpen(real, name, async (claim) => {
          await expect(
            claim.flush(new WriteProof([], sinceBootMs(), () => false), 10_000),
          ).rejects.toMatchObject(unproven)
          await claim.flush(new WriteProof([devno], sinceBootMs(), () => false), 10_000)
          return (await withExclusiveOpen(real, name, async () => 'a second one')) ?? 'refused'
        })
        expect(outcome).toBe('refused')
        // It is gone from sysfs: nothing shows which device a flush would go to.
        const gone = { ...real, paths: { ...real.paths, sys: host.paths.sys } }
        await withExclusiveOpen(gone, name, (claim) =>
          expect(
            claim.flush(new WriteProof([devno], sinceBootMs(), () => false), 10_000),
          ).rejects.toMatchObject(unproven),
        )
        await expect(
          withExclusiveOpen(real, name, async () => {
            throw new Error('of the work')
          }),
        ).rejects.toThrow('of the work')
        expect(await withExclusiveOpen(real, name, async () => 'free again')).toBe('free again')
      } finally {
        execFileSync('losetup', ['--detach', loop])
      }
    },
  )

  test('is NOT_FOUND for a device that does not exist', async () => {
    const host = rootWith({ 'dev/x': '' })
    await expect(withExclusiveOpen(host, 'none', async () => 1)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('whenAppears', () => {
  test('returns what exists or appears, and null at the deadline', async () => {
    const host = rootWith({ 'dev/null': '' })
    expect(await whenAppears(host, () => 'there', 0)).toBe('there')
    let found: string | null = null
    const waiting = whenAppears(host, () => found, 30_000)
    await pause(10)
    found = 'came'
    writeFileSync(join(host.root, 'dev/sdb'), '')
    expect(await waiting).toBe('came')
    expect(await whenAppears(host, () => null, 30)).toBeNull()
  })

  test('does not look again after it has returned', async () => {
    const host = rootWith({ 'dev/null': '' })
    let asked = 0
    await whenAppears(host, () => (asked++, null), 30)
    const before = asked
    writeFileSync(join(host.root, 'dev/sdb'), '')
    mkdirSync(join(host.root, 'dev/mapper'))
    await pause(80)
    expect(asked).toBe(before)
  })
})

const hex = (bytes: readonly number[]) => bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')

describe('identifyWithSgInq', () => {
  const page80 = [0, 0x80, 0, 4, 0x53, 0x31, 0x32, 0x33]

  test('the lines of bytes from sg_inq become a serial', async () => {
    const host = rootWith({}, { stdout: `${hex(page80)}\n` })
    await expect(identifyWithSgInq(host, disk(null))).resolves.toMatchObject({ serial: 'S123', wwid: null })
    const plain = ['--hex', '--hex', '--hex', '--hex']
    expect(host.asked[0]).toEqual(['sg_inq', ...plain, '--page', '0x83', join(host.root, 'dev/sdb')])
  })

  test('output with anything but bytes, such as offsets, is not an answer', async () => {
    const host = rootWith(
      {},
      { stdout: `VPD INQUIRY, page code=0x80:\n 00     ${hex(page80)}    ....S123\n` },
    )
    await expect(identifyWithSgInq(host, disk(null))).rejects.toMatchObject({ code: 'IDENTITY_UNREADABLE' })
  })

  test('a disk that answers neither page, or has no device node, is IDENTITY_UNREADABLE', async () => {
    const host = rootWith({}, { code: 5 })
    await expect(identifyWithSgInq(host, disk(null))).rejects.toMatchObject({ code: 'IDENTITY_UNREADABLE' })
    await expect(identifyWithSgInq(host, { ...disk(null), name: null })).rejects.toMatchObject({
      code: 'IDENTITY_UNREADABLE',
    })
  })
})
