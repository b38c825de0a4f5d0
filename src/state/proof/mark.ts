import type { Host } from '../../host/host.ts'
import { findHoldMap } from '../../host/map/hold-map.ts'
import { disksBeneath } from '../../host/read/beneath.ts'
import { mountAt } from '../../host/read/mounts.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Ext4Mark } from '../../model/ext4-mark.ts'
import type { Witnesses } from '../../model/plan/owner.ts'
import type { VolumeName } from '../../model/name.ts'
import type { VolumeUse } from '../../model/request.ts'
import type { Mount, ScsiDisk } from '../../model/snapshot.ts'
import { compareExt4Mark, readExt4Mark } from './ext4-mark.ts'
import { readXfsMark } from './xfs-mark.ts'

/**
 * Whether another node has mounted the file system that this node has mounted, according to the file system's
 * marks. Another file system at the mount point proves nothing.
 * @param recorded the mark of this node's last mount, for a file system that is not mounted, as after a reboot
 */
export async function readMark(
  host: Host,
  name: string,
  use: VolumeUse,
  disk: ScsiDisk,
  recorded?: Ext4Mark,
): Promise<Witnesses['mark']> {
  if (use.mount === null || use.readOnly) return 'none'
  const mount = mountAt(host.paths, use.mount)
  try {
    if (mount === null) return recorded ? await compareExt4Mark(host, recorded, disk) : 'none'
    if (!isOfVolume(host, name, mount, disk)) return 'none'
    if (mount.fs === 'ext4') return await readExt4Mark(host, mount.devno, disk)
    if (mount.fs === 'xfs') return await readXfsMark(host, mount, disk)
    return 'none'
  } catch (error) {
    if (isLunkeeperError(error)) return 'unreadable'
    throw error
  }
}

/** Whether the mount is on the volume's hold map, which may have no disk at the moment, or above this disk. */
function isOfVolume(host: Host, name: string, { devno }: Mount, disk: ScsiDisk): boolean {
  if (findHoldMap(host, name as VolumeName)?.devno === devno) return true
  return disksBeneath(host.paths, devno).disks.some((one) => one.name === disk.name)
}
