import { createHash } from 'node:crypto'

import { afterEach, describe, expect } from 'vitest'

import type { Target } from '../../../lab/index.ts'
import type { NodeFixtures } from '../fixtures.ts'
import { expectNothingLeft, isEverything, kernels, killAndWait, lunkeeper } from '../node.ts'
import { onCsiNode } from './fixtures.ts'
import type { Claim } from './kubelet.ts'
import {
  block,
  claimOf,
  expectNothingStaged,
  mountable,
  publishing,
  SOCKET,
  staging,
  stagingPath,
  targetPath,
  unstaging,
} from './kubelet.ts'

const MIB = 1 << 20

describe.each(kernels('bookworm'))('a CSI volume lives from stage to unstage (%s)', (debian) => {
  // One agent and one client for all tests, because starting them takes most of the time.
  const it = onCsiNode({
    debian,
    memory: 768,
    after: 'clear',
    target: { portals: ['127.0.0.1:3260', '127.0.0.2:3260'] },
    luns: [{ lun: 5, serial: 'c515' }],
  })
  afterEach<NodeFixtures>(({ node }) => node.sh('rm -rf /var/lib/kubelet/*'))

  const claim = (target: Target, more: Partial<Claim> = {}): Claim => ({
    ...claimOf(target, 'pv-orders'),
    ...more,
  })

  const at = (volume: Claim, pod: string) => targetPath(volume.volumeId, pod)

  it('a volume is staged, published twice, used, unpublished and unstaged, and nothing is left', async ({
    node,
    target,
    kubelet,
  }) => {
    const volume = claim(target)
    await kubelet.stage(volume)
    await kubelet.bring(volume, 'pod-a')
    await kubelet.publish(volume, 'pod-a')
    await kubelet.publish(volume, 'pod-b', { readonly: true })
    const staged = stagingPath(volume.volumeId)
    expect((await node.storage()).mounts.toSorted()).toEqual(
      [at(volume, 'pod-a'), at(volume, 'pod-b'), staged].toSorted(),
    )
    await node.sh(`echo written > ${at(volume, 'pod-a')}/file`)
    expect(await node.sh(`cat ${at(volume, 'pod-b')}/file`)).toBe('written')
    expect((await node.run(['touch', `${at(volume, 'pod-b')}/no`])).stderr).toContain('Read-only')
    const { usage, volumeCondition } = await kubelet.stats(volume, 'pod-a')
    expect(volumeCondition).toEqual({ message: 'ready' })
    const [bytes, inodes] = usage!
    expect(bytes!.unit).toBe('BYTES')
    expect(Number(bytes!.total)).toBeGreaterThan(32 * MIB)
    expect(Number(bytes!.available)).toBeLessThan(Number(bytes!.total))
    expect(inodes).toMatchObject({ unit: 'INODES', total: expect.stringMatching(/^\d+$/) })
    // A held volume, kept by the agent that serves CSI.
    const [listed] = await lunkeeper(node).volumes()
    expect(listed).toMatchObject({ state: 'ready', hold: { mode: 'map' }, fs: 'ext4', mount: staged })
    await kubelet.unpublish(volume, 'pod-a')
    await kubelet.release(volume, 'pod-a', 'pod-b')
    await kubelet.unstage(volume)
    // What was written is on the volume, which is not formatted a second time.
    await kubelet.stage(volume)
    expect(await node.sh(`cat ${staged}/file`)).toBe('written')
    await kubelet.unstage(volume)
    await expectNothingStaged(node)
  })

  it('a kubelet’s directory on another disk, which shows each mount twice, changes nothing', async ({
    node,
    target,
    kubelet,
  }) => {
    await node.sh(
      'mount -t tmpfs none /mnt; mount --make-shared /mnt; mkdir -p /mnt/kubelet /var/lib/kubelet; mount --bind /mnt/kubelet /var/lib/kubelet',
    )
    for (const volumeCapability of [mountable(), block()]) {
      const volume = claim(target, { volumeCapability })
      for (const pod of ['pod-a', 'pod-b']) {
        await kubelet.bring(volume, pod)
        await kubelet.publish(volume, pod)
      }
      expect(await node.sh(`ls ${at(volume, 'pod-a').replace('/var/lib', '/mnt')}`)).not.toBe('')
      expect((await kubelet.stats(volume, 'pod-a')).volumeCondition).toEqual({ message: 'ready' })
      await kubelet.fails('nodeUnstageVolume', unstaging(volume.volumeId), 'FailedPrecondition', /published/)
      await kubelet.release(volume, 'pod-a', 'pod-b')
      await kubelet.unstage(volume)
    }
    await node.sh('umount /var/lib/kubelet /mnt')
    await expectNothingStaged(node)
  })

  it('a block volume is the device itself at the target path, for all its users', async ({
    node,
    target,
    kubelet,
  }) => {
    const volume = claim(target, { volumeCapability: block('MULTI_NODE_MULTI_WRITER') })
    await kubelet.bring(volume, 'vm-a')
    await kubelet.publish(volume, 'vm-a')
    await kubelet.publish(volume, 'vm-b')
    expect(await node.sh(`stat -c %F ${at(volume, 'vm-a')}`)).toBe('block special file')
    await node.sh(`printf data | dd of=${at(volume, 'vm-a')} bs=1M seek=3 conv=notrunc,fsync status=none`)
    expect((await target.bytes(5, 3 * MIB, 4)).toString()).toBe('data')
    const stats = await kubelet.stats(volume, 'vm-b')
    expect(stats).toEqual({
      usage: [{ unit: 'BYTES', total: String(64 * MIB), available: String(64 * MIB) }],
      volumeCondition: { message: 'ready' },
    })
    await kubelet.release(volume, 'vm-a', 'vm-b')
    await expectNothingStaged(node)
  })

  it.for([
    ['block', block('SINGLE_NODE_SINGLE_WRITER'), ''],
    ['mount', mountable('ext4', 'SINGLE_NODE_SINGLE_WRITER'), '/sub'],
  ] as const)(
    'a volume for one pod is published again at its path while the kubelet has it mounted elsewhere, and at no other (%s)',
    async ([kind, volumeCapability, sub], { node, target, kubelet }) => {
      const volume = claim(target, { volumeCapability })
      await kubelet.bring(volume, 'pod')
      // As a kubelet does for a block volume, and for a volume with subPath.
      const path = `${at(volume, 'pod')}${sub}`
      await node.sh(kind === 'block' ? 'touch /run/kubelet-own' : `mkdir ${path} /run/kubelet-own`)
      await node.sh(`mount --bind ${path} /run/kubelet-own`)
      await kubelet.publish(volume, 'pod')
      await kubelet.fails('nodePublishVolume', publishing(volume, 'other'), 'FailedPrecondition', /only one/)
      await node.sh('umount /run/kubelet-own; rm -r /run/kubelet-own')
      await kubelet.release(volume, 'pod')
      await expectNothingStaged(node)
    },
  )

  it.runIf(isEverything)(
    'a device is read-only for all or for none, because no second way to it both refuses writes and shows what is written',
    async ({ node, target, kubelet }) => {
      const volume = claim(target, { volumeCapability: block('MULTI_NODE_MULTI_WRITER') })
      await kubelet.bring(volume, 'writer')
      await kubelet.fails(
        'nodePublishVolume',
        { ...publishing(volume, 'reader'), readonly: true },
        'InvalidArgument',
        /for all its users or for none/,
      )
      const device = at(volume, 'writer')
      const write = (text: string, to: string) =>
        node.run(['sh', '-c', `printf ${text} | dd of=${to} conv=notrunc,fsync status=none`])
      // A mount does not restrict how a device node in it is opened (fs/namei.c: sb_permission, fs/open.c).
      await node.sh(
        `touch /run/view && mount --bind ${device} /run/view && mount -o remount,bind,ro /run/view`,
      )
      expect((await write('one', '/run/view')).code).toBe(0)
      await node.sh('umount /run/view && rm /run/view')
      // A second block device refuses writes, but has a page cache of its own: a reader keeps reading old data from
      // it.
      await node.sh(
        `dmsetup create view --readonly --table "0 $(blockdev --getsz ${device}) linear $(readlink -f /dev/mapper/lunkeeper-*) 0"`,
      )
      expect((await write('no', '/dev/mapper/view')).code).not.toBe(0)
      const read = (from: string) => node.sh(`dd if=${from} bs=3 count=1 status=none`)
      const reader = await node.start(['sh', '-c', 'exec 3< /dev/mapper/view; echo open; sleep 1000'])
      await reader.output(/open/)
      expect(await read('/dev/mapper/view')).toBe('one')
      expect((await write('two', device)).code).toBe(0)
      expect([await read(device), await read('/dev/mapper/view')]).toEqual(['two', 'one'])
      await killAndWait(reader)
      await node.sh('dmsetup remove --retry view')
      await kubelet.release(volume, 'writer')
      await expectNothingStaged(node)
    },
  )

  it("a PersistentVolume that was copied with its volumeHandle does not get the first one's data", async ({
    node,
    target,
    kubelet,
  }) => {
    const volume = claim(target)
    await target.map(6, { serial: 'c616' })
    await kubelet.bring(volume, 'pod-a')
    const { volumeContext } = volume
    for (const [change, reason] of [
      [{ lun: '6' }, /LUN 5, not 6/],
      [{ iqn: `${target.iqn}x` }, /target/],
      [{ targetPortal: '127.0.0.9' }, /portals/],
      [{ wwid: 'naa.6001405c616000000000000000000000' }, /WWID/],
    ] as const) {
      const copy = claim(target, { volumeContext: { ...volumeContext, ...change } })
      await kubelet.fails('nodePublishVolume', publishing(copy, 'pod-b'), 'FailedPrecondition', reason)
    }
    const copy = claim(target, { volumeContext: { ...volumeContext, lun: '6' } })
    await kubelet.fails('nodeStageVolume', staging(copy), 'AlreadyExists', /LUN 5, not 6/)
    expect((await node.storage()).mounts.toSorted()).toEqual(
      [at(volume, 'pod-a'), stagingPath(volume.volumeId)].toSorted(),
    )
    // Two handles for one LUN are also one volume: a second file system on it would be lost.
    await kubelet.fails(
      'nodeStageVolume',
      staging(claim(target, { volumeId: 'pv-copy' })),
      'FailedPrecondition',
      /ATTACHED_ALREADY/,
    )
    await kubelet.ok('nodeUnstageVolume', unstaging('pv-copy'))
    await kubelet.release(volume, 'pod-a')
    await expectNothingStaged(node)
  })

  it('a volume grows in use, with its file system', async ({ node, target, kubelet }) => {
    const volume = claim(target)
    await kubelet.bring(volume, 'pod')
    const before = Number((await kubelet.stats(volume, 'pod')).usage![0]!.total)
    const request = { volumeId: volume.volumeId, volumePath: at(volume, 'pod') }
    await kubelet.fails(
      'nodeExpandVolume',
      { ...request, capacityRange: { requiredBytes: String(128 * MIB) } },
      'OutOfRange',
      /67108864/,
    )
    await target.resize(5, 128 * MIB)
    const asked = { ...request, capacityRange: { requiredBytes: String(128 * MIB) } }
    expect(await kubelet.ok('nodeExpandVolume', asked)).toEqual({ capacityBytes: String(128 * MIB) })
    expect(await kubelet.ok('nodeExpandVolume', asked)).toEqual({ capacityBytes: String(128 * MIB) })
    expect(Number((await kubelet.stats(volume, 'pod')).usage![0]!.total)).toBeGreaterThan(before * 1.8)
    await kubelet.release(volume, 'pod')
    await expectNothingStaged(node)
  })

  it.runIf(isEverything)(
    'xfs is used on two paths with mount options, and for readers only without a byte being written',
    async ({ node, target, kubelet }) => {
      await target.map(6, { serial: 'c616', bytes: 320 * MIB })
      const source = { targetPortal: '127.0.0.1', portals: '["127.0.0.2:3260"]', iqn: target.iqn, lun: '6' }
      const volume = claim(target, {
        volumeId: 'pv-xfs',
        volumeContext: { ...source, serial: 'c616' },
        volumeCapability: mountable('xfs', 'SINGLE_NODE_SINGLE_WRITER', ['noatime,nosuid']),
      })
      const options = async (point: string) => (await node.sh(`findmnt -rno OPTIONS ${point}`)).split(',')
      await kubelet.bring(volume, 'pod')
      expect((await kubelet.stats(volume, 'pod')).volumeCondition.message).toBe('ready on 2 paths')
      expect(await options(at(volume, 'pod'))).toEqual(expect.arrayContaining(['rw', 'noatime', 'nosuid']))
      await node.sh(`echo written > ${at(volume, 'pod')}/file`)
      await kubelet.release(volume, 'pod')
      const before = await target.hash(6)
      const readers = {
        ...volume,
        volumeCapability: mountable('', 'MULTI_NODE_READER_ONLY', ['noatime', 'ro']),
      }
      await kubelet.bring(readers, 'pod-a')
      await kubelet.publish(readers, 'pod-b', { readonly: true })
      for (const pod of ['pod-a', 'pod-b']) {
        expect(await node.sh(`cat ${at(readers, pod)}/file`)).toBe('written')
        expect(await options(at(readers, pod))).toContain('ro')
        expect((await node.run(['mount', '-o', 'remount,rw', at(readers, pod)])).code).not.toBe(0)
      }
      await kubelet.release(readers, 'pod-a', 'pod-b')
      expect(await target.hash(6)).toBe(before)
      await expectNothingStaged(node)
    },
  )

  it('a read-only publication keeps the other options of the mount, also when it is made again', async ({
    node,
    target,
    kubelet,
  }) => {
    const volume = claim(target, {
      volumeCapability: mountable('ext4', 'SINGLE_NODE_MULTI_WRITER', ['noexec', 'nodev']),
    })
    await kubelet.stage(volume)
    for (const pod of ['pod-a', 'pod-a', 'pod-b']) await kubelet.publish(volume, pod, { readonly: true })
    for (const pod of ['pod-a', 'pod-b'])
      expect((await node.sh(`findmnt -rno OPTIONS ${at(volume, pod)}`)).split(',')).toEqual(
        expect.arrayContaining(['ro', 'noexec', 'nodev']),
      )
    // Bound by an agent that was killed before the mount was read-only.
    await node.sh(`mount -o remount,bind,rw ${at(volume, 'pod-b')}; mkdir -p /run/lunkeeper/csi`)
    const hash = createHash('sha256').update(at(volume, 'pod-b')).digest('hex').slice(0, 32)
    await node.write(`/run/lunkeeper/csi/publishing-${hash}`, '')
    await kubelet.publish(volume, 'pod-b', { readonly: true })
    expect(await node.sh(`findmnt -rno OPTIONS ${at(volume, 'pod-b')}`)).toMatch(/^ro,/)
    await kubelet.release(volume, 'pod-a', 'pod-b')
    await expectNothingStaged(node)
  })

  it('an agent that stops removes its socket and leaves nothing', async ({ node, agent }) => {
    await agent.stop()
    expect(await node.exists(SOCKET)).toBe(false)
    await expectNothingLeft(node)
  })
})
