import { rescanDisk } from '../host/disk/remove.ts'
import type { Host } from '../host/host.ts'
import type { Attachment } from '../model/attachment.ts'
import { isIdentified, nameDifference } from '../model/identity.ts'
import type { ScsiDisk } from '../model/snapshot.ts'

/**
 * Makes the kernel read a disk's size and identity again if it takes the disk for another volume: another LUN answered there
 * when a login or a program last had it read (iscsid 2.1.10 and newer do so at each re-login). With the size of a smaller
 * volume, the kernel fails I/O beyond it (drivers/scsi/sd.c: sd_setup_read_write_cmnd).
 * @param disk has proven to be the volume a moment ago
 * @throws STUCK
 */
export async function refreshDisk(
  host: Host,
  { identity }: Pick<Attachment, 'identity'>,
  disk: ScsiDisk,
): Promise<void> {
  if (identity && isIdentified(disk.cached) && nameDifference(disk.cached, identity) !== null)
    await rescanDisk(host, disk)
}
