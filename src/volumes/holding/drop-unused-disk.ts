import { withExclusiveOpen } from '../../host/disk/exclusive-open.ts'
import { removeDisk } from '../../host/disk/remove.ts'
import type { Host } from '../../host/host.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { lastingOpeners, openable } from '../../state/view/openers.ts'

/**
 * Removes a disk that was created as a path of a volume and turned out to be another volume: no process here asked
 * for it. It is not flushed, because its own cache has nothing unwritten. If a program uses it nevertheless, it
 * stays.
 * @returns whether it was removed
 * @throws STUCK
 */
export async function dropUnusedDisk(host: Host, disk: ScsiDisk): Promise<boolean> {
  const remove = () => removeDisk(host, disk).then(() => true)
  if (disk.name === null) return remove()
  try {
    const isRemoved = await withExclusiveOpen(host, disk.name, async () => {
      const openers = await lastingOpeners(host, [openable(disk)!])
      return openers.length === 0 && remove()
    })
    return isRemoved ?? false
  } catch (error) {
    // The disk cannot be opened: its LUN is gone.
    if (!isLunkeeperError(error, 'NOT_FOUND')) throw error
    return remove()
  }
}
