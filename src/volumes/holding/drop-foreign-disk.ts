import type { Host } from '../../host/host.ts'
import { isMarkedPath } from '../../host/disk/path-mark.ts'
import { findHoldMap } from '../../host/map/hold-map.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { dropUnusedDisk } from './drop-unused-disk.ts'
import { removeFromMap } from './map-paths.ts'

/**
 * Removes a disk that is another volume, or that the volume must not write to, from the hold map, which keeps the unwritten data, and
 * from the node. A disk that was not made as a path of a map stays, and one that another program uses.
 * @throws MAP_FAILED STUCK
 */
export async function dropForeignDisk(host: Host, volume: Attachment, disk: ScsiDisk): Promise<void> {
  const map = findHoldMap(host, volume.name)
  const wasPath = map && disk.devno !== null ? await removeFromMap(host, volume, map, disk.devno) : false
  if (wasPath || isMarkedPath(host, disk.sid, disk.hctl)) await dropUnusedDisk(host, disk)
}
