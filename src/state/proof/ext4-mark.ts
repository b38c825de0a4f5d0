import { join } from 'node:path'

import { ext4Mark, isMountedSince } from '../../host/fs/ext4-mark.ts'
import { HEAD_BYTES, readHead } from '../../host/disk/read-volume.ts'
import { WorkerError } from '../../host/worker/worker.ts'
import type { Host } from '../../host/host.ts'
import { deviceNode } from '../../host/host.ts'
import { linkName } from '../../host/read/attribute.ts'
import { mountAt } from '../../host/read/mounts.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Ext4Mark } from '../../model/ext4-mark.ts'
import type { Witnesses } from '../../model/plan/owner.ts'
import type { VolumeUse } from '../../model/request.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'

/**
 * How long a read may wait. The page with the superblock stays in memory while ext4 is mounted; if the rest of that
 * page is not in memory, a read waits for the target.
 */
const OWN_DEADLINE_MS = 2_000

/**
 * Whether an ext4 that this node has mounted has since been mounted or checked elsewhere. Compares the superblock
 * in the kernel's memory with the one on the target.
 * @param devno of the mounted device, 253:0
 */
export async function readExt4Mark(host: Host, devno: string, disk: ScsiDisk): Promise<Witnesses['mark']> {
  const own = await ownMark(host, devno)
  return own === null ? 'unreadable' : compareExt4Mark(host, own, disk)
}

/** Whether an ext4 has been mounted or checked elsewhere since this node's mount left this mark. */
export async function compareExt4Mark(host: Host, own: Ext4Mark, disk: ScsiDisk): Promise<Witnesses['mark']> {
  const head = await readHead(host, disk)
  if (head === null) return 'unreadable'
  return isMountedSince(own, ext4Mark(head)) ? 'changed' : 'same'
}

/** The mark on the target; null if there is no ext4, or it cannot be read now. */
export async function readDiskMark(host: Host, disk: ScsiDisk): Promise<Ext4Mark | null> {
  const head = await readHead(host, disk)
  return head && ext4Mark(head)
}

/**
 * Brings the whole page of the superblock into memory while the target answers, so that it can be read in an
 * outage.
 * @returns the mark of a writable mount; null for any other mount, or if it cannot be read
 */
export async function primeMark(host: Host, use: VolumeUse): Promise<Ext4Mark | null> {
  const mount = use.mount === null ? null : mountAt(host.paths, use.mount)
  if (mount?.fs !== 'ext4' || mount.devno.startsWith('0:')) return null
  const mark = await ownMark(host, mount.devno)
  return use.readOnly ? null : mark
}

/** The mark in this node's kernel. @param devno of the mounted device, 253:0 */
async function ownMark(host: Host, devno: string): Promise<Ext4Mark | null> {
  const device = linkName(join(host.paths.sys, 'dev/block', devno))
  if (device === null) return null
  const path = deviceNode(host, device)
  try {
    const head = await host.workers.use(null, (worker) =>
      worker.call('readBlock', { path, offset: 0, length: HEAD_BYTES }, OWN_DEADLINE_MS),
    )
    return ext4Mark(head)
  } catch (error) {
    if (error instanceof WorkerError || isLunkeeperError(error, 'STUCK')) return null
    throw error
  }
}
