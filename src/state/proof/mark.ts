import type { Host } from '../../host/host.ts'
import { mountAt } from '../../host/read/mounts.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Witnesses } from '../../model/plan/owner.ts'
import type { VolumeUse } from '../../model/request.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { readExt4Mark } from './ext4-mark.ts'
import { readXfsMark } from './xfs-mark.ts'

/** Whether the file system that this node has mounted was mounted by another node since: what its own marks say. */
export async function readMark(host: Host, use: VolumeUse, disk: ScsiDisk): Promise<Witnesses['mark']> {
  const mount = use.mount === null || use.readOnly ? null : mountAt(host.paths, use.mount)
  if (!mount?.source.startsWith('/dev/')) return 'none'
  try {
    if (mount.fs === 'ext4') return await readExt4Mark(host, mount.devno, disk)
    if (mount.fs === 'xfs') return await readXfsMark(host, mount, disk)
    return 'none'
  } catch (error) {
    if (isLunkeeperError(error)) return 'unreadable'
    throw error
  }
}
