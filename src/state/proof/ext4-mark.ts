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
 * The page that has the superblock is in memory for as long as ext4 is mounted; where the rest of it is not, a read waits
 * for the target, and this is how long.
 */
const OWN_DEADLINE_MS = 2_000

/**
 * Whether an ext4 that this node has mounted was mounted or checked elsewhere since: what the kernel has in memory of its
 * superblock, compared with what the target has.
 * @param devno of the device that is mounted, 253:0
 */
export async function readExt4Mark(host: Host, devno: string, disk: ScsiDisk): Promise<Witnesses['mark']> {
  const own = await ownMark(host, devno)
  return own === null ? 'unreadable' : compareExt4Mark(host, own, disk)
}

/** Whether an ext4 was mounted or checked elsewhere since this node's mount left this mark. */
export async function compareExt4Mark(host: Host, own: Ext4Mark, disk: ScsiDisk): Promise<Witnesses['mark']> {
  const head = await readHead(host, disk)
  if (head === null) return 'unreadable'
  return isMountedSince(own, ext4Mark(head)) ? 'changed' : 'same'
}

/**
 * Has the whole page of the superblock in memory while the target answers, so that it can be read in an outage.
 * @returns the mark of a writable mount; null for another one, or if it cannot be read
 */
export async function primeMark(host: Host, use: VolumeUse): Promise<Ext4Mark | null> {
  const mount = use.mount === null ? null : mountAt(host.paths, use.mount)
  if (mount?.fs !== 'ext4' || mount.devno.startsWith('0:')) return null
  const mark = await ownMark(host, mount.devno)
  return use.readOnly ? null : mark
}

/** As this node's kernel has it. @param devno of the device that is mounted, 253:0 */
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
