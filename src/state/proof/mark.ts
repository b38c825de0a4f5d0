import type { Host } from '../../host/host.ts'
import { mountAt } from '../../host/read/mounts.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Ext4Mark } from '../../model/ext4-mark.ts'
import type { Witnesses } from '../../model/plan/owner.ts'
import type { VolumeUse } from '../../model/request.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { compareExt4Mark, readExt4Mark } from './ext4-mark.ts'
import { readXfsMark } from './xfs-mark.ts'

/**
 * Whether the file system that this node has mounted was mounted by another node since: what its own marks say.
 * @param recorded the mark of this node's last mount, for a file system that is not mounted: after a reboot
 */
export async function readMark(
  host: Host,
  use: VolumeUse,
  disk: ScsiDisk,
  recorded?: Ext4Mark,
): Promise<Witnesses['mark']> {
  if (use.mount === null || use.readOnly) return 'none'
  const mount = mountAt(host.paths, use.mount)
  try {
    if (!mount?.source.startsWith('/dev/'))
      return recorded ? await compareExt4Mark(host, recorded, disk) : 'none'
    if (mount.fs === 'ext4') return await readExt4Mark(host, mount.devno, disk)
    if (mount.fs === 'xfs') return await readXfsMark(host, mount, disk)
    return 'none'
  } catch (error) {
    if (isLunkeeperError(error)) return 'unreadable'
    throw error
  }
}
