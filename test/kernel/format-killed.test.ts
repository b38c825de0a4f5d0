import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import type { Claim } from './csi/kubelet.ts'
import { Kubelet, mountable, staging, stagingPath, startDriver, unstaging } from './csi/kubelet.ts'
import type { Engine, EngineOptions } from './engine.ts'
import { startEngine } from './engine.ts'
import { expectNothingLeft, isEverything, kernels, lunkeeper } from './node.ts'

// mkfs.xfs makes nothing smaller than 300 MB since xfsprogs 5.19.
const BYTES = 320 << 20
const NOTES = '/var/lib/lunkeeper/formatting'

/** Stands before /usr/sbin in the path by which programs are found. */
const PLACE = '/usr/local/sbin'

/** What the volume is left like by a mkfs that is killed: before its superblock is written, or before it is complete. */
const HALF = {
  ext4: 'dd if=/dev/zero of=$device bs=4096 count=1 conv=notrunc,fsync status=none',
  xfs: "xfs_db -x -c 'sb 0' -c 'write inprogress 1' $device > /dev/null",
} as const
type Fs = keyof typeof HALF

describe.each(kernels('bookworm'))('mkfs is killed (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let engine: Engine

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian, memory: 768 })
    await node.sh(`mount -t tmpfs tmpfs /usr/local && mkdir ${PLACE}`)
    engine = await startEngine(node)
  })
  afterAll(() => lab?.close())
  afterEach(async () => {
    await node.sh(`rm -rf ${PLACE}/* ${NOTES}`)
    await node.lio.clear()
    await node.remove('/dev/shm/luns')
  })

  async function make(): Promise<void> {
    target = await node.lio.target()
    await target.map(5, { serial: 'f0f0', bytes: BYTES })
  }
  async function makeAgain(): Promise<void> {
    await target.unmap(5, { removeFile: true })
    await target.map(5, { serial: 'f0f0', bytes: BYTES })
  }

  const asked = (more: Partial<EngineOptions> = {}): EngineOptions => ({
    iqn: target.iqn,
    name: 'db',
    mount: '/mnt/db',
    format: true,
    ...more,
  })
  const raw = (): EngineOptions => ({ iqn: target.iqn, name: 'db' })

  /** From now on mkfs ends like this, killed. */
  const mkfs = (fs: Fs, after: string) =>
    node.write(
      `${PLACE}/mkfs.${fs}`,
      `#!/bin/sh\nfor device; do :; done\n/usr/sbin/mkfs.${fs} "$@"\n${after}\nkill -9 $$\n`,
      { mode: 0o755 },
    )
  const mendMkfs = () => node.sh(`rm -f ${PLACE}/*`)
  /** The note is of a boot before this one. */
  const reboot = () => node.sh(`sed -i 's/"boot": "[^"]*"/"boot": "another"/' ${NOTES}/*.json`)
  const notes = async () => (await node.sh(`ls ${NOTES} 2>/dev/null || :`)).trim()

  /** An attach that dies with its mkfs. */
  async function dies(fs: Fs, after: string): Promise<void> {
    await mkfs(fs, `${after}\nkill -9 $PPID`)
    const flags = ['--portal', '127.0.0.1', '--iqn', target.iqn, '--lun', '5', '--name', 'db']
    const ended = await lunkeeper(node).run([
      'attach',
      ...flags,
      '--mount',
      '/mnt/db',
      '--fs',
      fs,
      '--format',
    ])
    expect(ended.signal, ended.stderr).toBe('SIGKILL')
    await mendMkfs()
  }

  /** An attach whose mkfs alone dies. */
  async function fails(fs: Fs): Promise<void> {
    await mkfs(fs, HALF[fs])
    expect(await engine.refuses('MOUNT_FAILED', 5, asked({ fs }))).toContain(`mkfs.${fs}`)
    await mendMkfs()
    await expectNoAttachment()
    expect(await notes()).not.toBe('')
  }

  async function expectNoAttachment(): Promise<void> {
    const { sessions, disks, mounts } = await node.storage()
    expect({ sessions, disks, mounts }).toEqual({ sessions: [], disks: [], mounts: [] })
    expect(await node.sh('ls /var/lib/lunkeeper/volumes')).toBe('')
  }

  async function usable(fs: Fs): Promise<void> {
    expect(await engine.attach(5, asked({ fs }))).toMatchObject({ state: 'ready', fs })
    await node.sh('echo written > /mnt/db/file && sync /mnt/db/file')
    await engine.detach('db')
    expect(await notes()).toBe('')
    await node.sh('find /run/lunkeeper/locks -type s -delete')
    await expectNothingLeft(node)
  }

  it.each(['ext4', 'xfs'] as const)('%s: the next attach makes it again', async (fs) => {
    await make()
    await fails(fs)
    // What is not finished is not mounted, whatever blkid calls it.
    expect(await engine.refuses('NO_FILESYSTEM', 5, asked({ fs, format: false }))).toContain('did not finish')
    await usable(fs)
  })

  it.each(['ext4', 'xfs'] as const)(
    '%s, with the attach that started it: the next attach makes it again',
    async (fs) => {
      await make()
      await dies(fs, HALF[fs])
      await usable(fs)
    },
  )

  it.each(['ext4', 'xfs'] as const)(
    '%s, in another boot: refused with what happened, and nothing is written',
    async (fs) => {
      await make()
      await fails(fs)
      await reboot()
      const before = await target.hash(5)
      const said = await engine.refuses('NOT_BLANK', 5, asked({ fs }))
      expect(said).toMatch(/started at 20\d\d-.*did not finish/)
      expect(said).toContain('blkdiscard')
      expect(await target.hash(5)).toBe(before)
      // Made again on the storage system, it is a blank volume like any other.
      await makeAgain()
      await usable(fs)
    },
  )

  it.each(['ext4', 'xfs'] as const)(
    '%s, when it was complete: it is used as it is, in another boot too',
    async (fs) => {
      await make()
      await dies(fs, ':')
      await reboot()
      await usable(fs)
    },
  )

  it.each([
    ['used as a raw device', 'echo data | dd of=$device bs=1M seek=9 conv=notrunc,fsync status=none'],
    ['formatted by another program', 'mkfs.ext4 -q -F $device'],
  ])('the volume was %s since: it is not formatted', async (_, use) => {
    await make()
    await fails('ext4')
    const { device } = await engine.attach(5, raw())
    await node.sh(`device=${device}; ${use}`)
    await engine.detach('db')
    const before = await target.hash(5)
    await engine.refuses('NOT_BLANK', 5, asked())
    expect(await target.hash(5)).toBe(before)
    await expectNothingLeft(node)
  })

  it.runIf(isEverything).each(['ext4', 'xfs'] as const)('%s, at whatever moment', async (fs) => {
    await make()
    for (let part = 0; part < 12; part++) {
      await node.write(
        `${PLACE}/mkfs.${fs}`,
        `#!/bin/sh\n/usr/sbin/mkfs.${fs} "$@" & sleep ${(part * 0.02).toFixed(2)}; kill -9 $!; exit 1\n`,
        { mode: 0o755 },
      )
      await engine.fails('attach', 5, asked({ fs }))
      await mendMkfs()
      await usable(fs)
      await makeAgain()
    }
  })

  it('under a kubelet, which unstages what could not be staged, and stages again', async () => {
    await make()
    await startDriver(node)
    const kubelet = await Kubelet.start(node)
    const claim: Claim = {
      volumeId: 'pv-new',
      volumeContext: { targetPortal: '127.0.0.1', iqn: target.iqn, lun: '5' },
      volumeCapability: mountable('xfs'),
    }
    await mkfs('xfs', HALF.xfs)
    await node.mkdir(stagingPath(claim.volumeId))
    await kubelet.fails('nodeStageVolume', staging(claim), 'Internal', /mkfs/)
    await kubelet.ok('nodeUnstageVolume', unstaging(claim.volumeId))
    await mendMkfs()
    await kubelet.stage(claim)
    await kubelet.publish(claim, 'pod')
    await kubelet.unpublish(claim, 'pod')
    await kubelet.unstage(claim)
    expect(await notes()).toBe('')
  })
})
