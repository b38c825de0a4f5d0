import { afterEach, describe, expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import type { Claim } from './csi/kubelet.ts'
import { Kubelet, mountable, staging, stagingPath, startDriver, unstaging } from './csi/kubelet.ts'
import type { Engine, EngineOptions } from './engine.ts'
import type { NodeFixtures } from './fixtures.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, isEverything, kernels, lunkeeper } from './node.ts'
import type { Volume } from './volume.ts'

// Since xfsprogs 5.19, mkfs.xfs refuses less than 300 MB.
const BYTES = 320 << 20
const NOTES = '/var/lib/lunkeeper/formatting'

/** Comes before /usr/sbin in the path in which programs are found. */
const PLACE = '/usr/local/sbin'

/** The state in which a killed mkfs leaves the volume: before its superblock is written, or before it is complete. */
const HALF = {
  ext4: 'dd if=/dev/zero of=$device bs=4096 count=1 conv=notrunc,fsync status=none',
  xfs: "xfs_db -x -c 'sb 0' -c 'write inprogress 1' $device > /dev/null",
} as const
type Fs = keyof typeof HALF

describe.each(kernels('bookworm'))(
  'a format that was killed is not mistaken for a file system (%s)',
  (debian) => {
    const it = onNode({
      debian,
      memory: 768,
      after: 'clear',
      luns: [{ lun: 5, serial: 'f0f0', bytes: BYTES }],
      prepare: (node) => node.sh(`mount -t tmpfs tmpfs /usr/local && mkdir ${PLACE}`),
    })
    afterEach<NodeFixtures>(({ node }) => node.sh(`rm -rf ${PLACE}/* ${NOTES}`))

    async function makeAgain(target: Target): Promise<void> {
      await target.unmap(5, { removeFile: true })
      await target.map(5, { serial: 'f0f0', bytes: BYTES })
    }

    const asked = (target: Target, more: Partial<EngineOptions> = {}): EngineOptions => ({
      iqn: target.iqn,
      name: 'db',
      mount: '/mnt/db',
      format: true,
      ...more,
    })
    const raw = (target: Target): EngineOptions => ({ iqn: target.iqn, name: 'db' })

    /** From now on mkfs ends like this, killed. */
    const mkfs = (node: LabNode, fs: Fs, after: string) =>
      node.write(
        `${PLACE}/mkfs.${fs}`,
        `#!/bin/sh\nfor device; do :; done\n/usr/sbin/mkfs.${fs} "$@"\n${after}\nkill -9 $$\n`,
        { mode: 0o755 },
      )
    const mendMkfs = (node: LabNode) => node.sh(`rm -f ${PLACE}/*`)
    /** Makes the note one of an earlier boot. */
    const reboot = (node: LabNode) => node.sh(`sed -i 's/"boot": *"[^"]*"/"boot":"another"/' ${NOTES}/*.json`)
    const notes = async (node: LabNode) => (await node.sh(`ls ${NOTES} 2>/dev/null || :`)).trim()

    /** An attach that dies together with its mkfs. */
    async function dies(node: LabNode, volume: Volume, fs: Fs, after: string): Promise<void> {
      await mkfs(node, fs, `${after}\nkill -9 $PPID`)
      const use = ['--mount', volume.mount, '--fs', fs, '--format']
      const ended = await lunkeeper(node).run(['attach', ...volume.flags, ...use])
      expect(ended.signal, ended.stderr).toBe('SIGKILL')
      await mendMkfs(node)
    }

    /** An attach of which only the mkfs dies. */
    async function fails(node: LabNode, target: Target, engine: Engine, fs: Fs): Promise<void> {
      await mkfs(node, fs, HALF[fs])
      expect(await engine.refuses('MOUNT_FAILED', 5, asked(target, { fs }))).toContain(`mkfs.${fs}`)
      await mendMkfs(node)
      await expectNoAttachment(node)
      expect(await notes(node)).not.toBe('')
    }

    async function expectNoAttachment(node: LabNode): Promise<void> {
      const { sessions, disks, mounts } = await node.storage()
      expect({ sessions, disks, mounts }).toEqual({ sessions: [], disks: [], mounts: [] })
      expect(await node.sh('ls /var/lib/lunkeeper/volumes')).toBe('')
    }

    async function usable(node: LabNode, target: Target, engine: Engine, fs: Fs): Promise<void> {
      expect(await engine.attach(5, asked(target, { fs }))).toMatchObject({ state: 'ready', fs })
      await node.sh('echo written > /mnt/db/file && sync /mnt/db/file')
      await engine.detach('db')
      expect(await notes(node)).toBe('')
      await node.sh('find /run/lunkeeper/locks -type s -delete')
      await expectNothingLeft(node)
    }

    it.for(['ext4', 'xfs'] as const)(
      '%s is made again by the next attach',
      async (fs, { node, target, engine }) => {
        await fails(node, target, engine, fs)
        // An unfinished file system is not mounted, whatever blkid calls it.
        expect(await engine.refuses('NO_FILESYSTEM', 5, asked(target, { fs, format: false }))).toContain(
          'did not finish',
        )
        await usable(node, target, engine, fs)
      },
    )

    it.for(['ext4', 'xfs'] as const)(
      '%s is made again after its attach died with mkfs',
      async (fs, { node, target, engine, volume }) => {
        await dies(node, volume, fs, HALF[fs])
        await usable(node, target, engine, fs)
      },
    )

    it.for(['ext4', 'xfs'] as const)(
      '%s of another boot is refused with what happened, and nothing is written',
      async (fs, { node, target, engine }) => {
        await fails(node, target, engine, fs)
        await reboot(node)
        const before = await target.hash(5)
        const said = await engine.refuses('NOT_BLANK', 5, asked(target, { fs }))
        expect(said).toMatch(/started at 20\d\d-.*did not finish/)
        expect(said).toContain('blkdiscard')
        expect(await target.hash(5)).toBe(before)
        // Recreated on the storage system, it is a blank volume like any other.
        await makeAgain(target)
        await usable(node, target, engine, fs)
      },
    )

    it.for(['ext4', 'xfs'] as const)(
      '%s that was complete is used as it is, also in another boot',
      async (fs, { node, target, engine, volume }) => {
        await dies(node, volume, fs, ':')
        await reboot(node)
        await usable(node, target, engine, fs)
      },
    )

    it.for([
      ['used as a raw device', 'echo data | dd of=$device bs=1M seek=9 conv=notrunc,fsync status=none'],
      ['formatted by another program', 'mkfs.ext4 -q -F $device'],
    ] as const)('a volume that was %s since is not formatted', async ([, use], { node, target, engine }) => {
      await fails(node, target, engine, 'ext4')
      const { device } = await engine.attach(5, raw(target))
      await node.sh(`device=${device}; ${use}`)
      await engine.detach('db')
      const before = await target.hash(5)
      await engine.refuses('NOT_BLANK', 5, asked(target))
      expect(await target.hash(5)).toBe(before)
      await expectNothingLeft(node)
    })

    it.runIf(isEverything).for(['ext4', 'xfs'] as const)(
      '%s is made again after a kill at any moment',
      async (fs, { node, target, engine }) => {
        for (let part = 0; part < 12; part++) {
          await node.write(
            `${PLACE}/mkfs.${fs}`,
            `#!/bin/sh\n/usr/sbin/mkfs.${fs} "$@" & sleep ${(part * 0.02).toFixed(2)}; kill -9 $!; exit 1\n`,
            { mode: 0o755 },
          )
          await engine.fails('attach', 5, asked(target, { fs }))
          await mendMkfs(node)
          await usable(node, target, engine, fs)
          await makeAgain(target)
        }
      },
    )

    it('a kubelet unstages what could not be staged, and stages it again', async ({ node, target }) => {
      await startDriver(node)
      const kubelet = await Kubelet.start(node)
      const claim: Claim = {
        volumeId: 'pv-new',
        volumeContext: { targetPortal: '127.0.0.1', iqn: target.iqn, lun: '5' },
        volumeCapability: mountable('xfs'),
      }
      await mkfs(node, 'xfs', HALF.xfs)
      await node.mkdir(stagingPath(claim.volumeId))
      await kubelet.fails('nodeStageVolume', staging(claim), 'Internal', /mkfs/)
      await kubelet.ok('nodeUnstageVolume', unstaging(claim.volumeId))
      await mendMkfs(node)
      await kubelet.bring(claim, 'pod')
      await kubelet.release(claim, 'pod')
      expect(await notes(node)).toBe('')
    })
  },
)
