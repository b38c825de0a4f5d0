import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, lunkeeper } from './node.ts'
import { loginByHand } from './other-session.ts'
import { expectCheckStopped } from './slow-check.ts'
import type { Volume } from './volume.ts'

describe('a LUN number that is used again for another volume is noticed', () => {
  const it = onNode({ volume: { mount: '/mnt/v' } })

  /** A session with a disk for LUN 5, as another tool left it; then LUN 5 becomes another volume. @returns its hash */
  async function recycled(node: LabNode, target: Target, use = ':'): Promise<string> {
    await target.map(5, { serial: 'old' })
    await loginByHand(node, target, { disks: 1 })
    await node.sh(use)
    await target.unmap(5)
    await target.map(5, { serial: 'new' })
    return target.hash(5)
  }

  /** LUN 5 becomes another volume. */
  async function recycle(target: Target): Promise<void> {
    await target.unmap(5)
    await target.map(5, { serial: 'b2' })
  }

  /** The volume's unwritten data does not reach another volume at its LUN: without --force it stays, with it it is lost. */
  async function expectNotWritten(node: LabNode, target: Target, volume: Volume): Promise<void> {
    await recycle(target)
    const blank = await target.hash(5)
    await lunkeeper(node).fails(['detach', 'db'], 'IDENTITY_MISMATCH')
    expect(await target.hash(5)).toBe(blank)
    expect((await volume.detach('--force')).left).toEqual([])
    expect(await target.hash(5)).toBe(blank)
  }

  it('attach gets the new volume, not the stale disk', async ({ node, target, volume }) => {
    await recycled(node, target)
    const { identity, paths } = await volume.attach('--serial', 'new')
    expect(identity?.serial).toBe('new')
    // The kernel's own view is also fresh: links and caches that others rely on.
    const hctl = paths[0]!.hctl
    expect(await node.sh(`tail -c +5 /sys/class/scsi_device/${hctl}/device/vpd_pg80 | tr -d '\\0'`)).toBe(
      'new',
    )
    await volume.detach()
  })

  it('attach refuses when the old identity is expected, and no byte reaches the new volume', async ({
    node,
    target,
    volume,
  }) => {
    const blank = await recycled(node, target)
    await volume.refused('IDENTITY_MISMATCH', '--serial', 'old', '--mount', '/mnt/v', '--format')
    expect(await target.hash(5)).toBe(blank)
  })

  it('a stale disk that is mounted is refused with its mount point, and left as it is', async ({
    node,
    target,
    volume,
  }) => {
    const blank = await recycled(
      node,
      target,
      // Read-only: a file system that is mounted read-write writes in the background.
      'mkfs.ext4 -q /dev/sda && mkdir -p /mnt/old && mount -o ro /dev/sda /mnt/old',
    )
    const ended = await volume.refused('STALE_DISK')
    expect(ended.stderr).toContain('/mnt/old')
    expect((await node.storage()).disks).toHaveLength(1)
    expect(await target.hash(5)).toBe(blank)
  })

  it('detach does not write a swapped volume’s data to the other volume', async ({
    node,
    target,
    volume,
  }) => {
    await target.map(5, { serial: 'a1' })
    // Neither the journal nor writeback writes anything out while this test looks.
    await node.sh('echo 0 > /proc/sys/vm/dirty_writeback_centisecs')
    await volume.mounted('--mount-option', 'commit=300')
    await node.sh('sync; echo unwritten > /mnt/v/file')
    await expectNotWritten(node, target, volume)
    await expectNothingLeft(node)
  })

  it('detach takes a mount that a bind mount also shows elsewhere for one: its unmount is the last, and needs the right volume', async ({
    node,
    target,
    volume,
  }) => {
    await target.map(5, { serial: 'a1' })
    // As on a node whose kubelet's directory is on another disk.
    await node.sh(
      'mkdir -p /mnt/other /mnt/kept; mount -t tmpfs none /mnt/other; mount --make-shared /mnt/other; mkdir /mnt/other/kept; mount --bind /mnt/other/kept /mnt/kept',
    )
    await node.sh('echo 0 > /proc/sys/vm/dirty_writeback_centisecs')
    await volume.attach('--mount', '/mnt/kept/v', '--format', '--mount-option', 'commit=300')
    await node.sh('sync; echo unwritten > /mnt/kept/v/file')
    expect(await node.sh('cat /mnt/other/kept/v/file')).toBe('unwritten')
    await expectNotWritten(node, target, volume)
    await volume.attach('--mount', '/mnt/kept/v', '--format')
    await node.sh('echo written > /mnt/kept/v/file')
    // By the name of the other place, too.
    await lunkeeper(node).detach('/mnt/other/kept/v')
    await node.sh('umount /mnt/kept /mnt/other; rmdir /mnt/kept /mnt/other')
    await expectNothingLeft(node)
  })

  it('a file system check during which the LUN is swapped writes nothing more', async ({
    target,
    volume,
  }) => {
    await target.map(5, { serial: 'a1' })
    await expectCheckStopped(target, volume, () => recycle(target))
  })
})
