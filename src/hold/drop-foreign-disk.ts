import { withExclusiveOpen } from '../host/disk/exclusive-open.ts'
import { removeDisk } from '../host/disk/remove.ts'
import type { Host } from '../host/host.ts'
import { findHoldMap } from '../host/map/hold-map.ts'
import type { Attachment } from '../model/attachment.ts'
import { isLunkeeperError } from '../model/errors.ts'
import type { ScsiDisk } from '../model/snapshot.ts'
import { lastingOpeners, openable } from '../state/view/openers.ts'
import { takeOut } from '../volumes/holding/map-paths.ts'

/**
 * Removes a disk that is another volume from the hold map and from the node: no process here asked for it. The disk is not
 * flushed, because the unwritten data belongs to the map, and the disk's own cache has none. If another program uses the
 * disk, it stays.
 * @throws MAP_FAILED STUCK
 */
export async function dropForeignDisk(host: Host, volume: Attachment, disk: ScsiDisk): Promise<void> {
  const map = findHoldMap(host, volume.name)
  if (map && disk.devno !== null) await takeOut(host, volume, map, disk.devno)
  if (disk.name === null) return removeDisk(host, disk)
  try {
    await withExclusiveOpen(host, disk.name, async () => {
      const openers = await lastingOpeners(host, [openable(disk)!])
      if (openers.length === 0) await removeDisk(host, disk)
    })
  } catch (error) {
    // The disk cannot be opened: its LUN is gone.
    if (!isLunkeeperError(error, 'NOT_FOUND')) throw error
    await removeDisk(host, disk)
  }
}
