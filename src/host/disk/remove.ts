import { join } from 'node:path'

import { isLunkeeperError } from '../../model/errors.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'
import { readDisk } from '../read/disks.ts'
import { writeUnderScanMutex } from './scan-mutex.ts'
import { unmarkPath } from './path-mark.ts'

/**
 * Removes a disk from the kernel without any check or flush. The caller has claimed and flushed the device, or knows that
 * its dirty data must not be written. The disk is gone when this returns.
 * @throws STUCK
 */
export async function removeDisk(host: Host, disk: ScsiDisk): Promise<void> {
  const path = join(host.paths.sys, 'class/scsi_device', formatHctl(disk.hctl), 'device/delete')
  try {
    await writeUnderScanMutex(host, disk.hctl.host, path, '1')
  } catch (error) {
    if (!isLunkeeperError(error, 'NOT_FOUND')) throw error
  }
  unmarkPath(host, disk.sid, disk.hctl)
}

/**
 * Makes the kernel read the size and identity of a disk again. Only for a disk that has just answered as the right volume:
 * if it does not answer, or its LUN is not mapped, the kernel sets the size to 0, even under a mounted file system.
 * @returns its size now, in bytes
 * @throws STUCK
 */
export async function rescanDisk(host: Host, disk: ScsiDisk): Promise<number> {
  const path = join(host.paths.sys, 'class/scsi_device', formatHctl(disk.hctl), 'device/rescan')
  await writeUnderScanMutex(host, disk.hctl.host, path, '1')
  return readDisk(host.paths, { sid: disk.sid }, disk.hctl.lun, { identity: false })?.bytes ?? 0
}
