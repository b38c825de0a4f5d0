import type { Host } from '../../host/host.ts'
import { findHoldMap } from '../../host/map/hold-map.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { dropUnusedDisk } from './drop-unused-disk.ts'
import { removeFromMap } from './map-paths.ts'

/**
 * Removes a disk that is another volume from the hold map, which keeps the unwritten data, and from the node. If another program
 * uses the disk, it stays.
 * @throws MAP_FAILED STUCK
 */
export async function dropForeignDisk(host: Host, volume: Attachment, disk: ScsiDisk): Promise<void> {
  const map = findHoldMap(host, volume.name)
  if (map && disk.devno !== null) await removeFromMap(host, volume, map, disk.devno)
  await dropUnusedDisk(host, disk)
}
