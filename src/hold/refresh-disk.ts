import { rescanDisk } from '../host/disk/remove.ts'
import type { Host } from '../host/host.ts'
import type { Attachment } from '../model/attachment.ts'
import { LunkeeperError } from '../model/errors.ts'
import { isCachedAsOther } from '../model/identity.ts'
import type { DmMap, ScsiDisk } from '../model/snapshot.ts'

/**
 * Makes the kernel read a disk's size and identity again if they are not those of the volume. That happens if
 * another LUN answered, or none, when a login or a program last had them read (iscsid 2.1.10 and newer do so at
 * each re-login). The kernel fails all I/O beyond the size that it knows, which is 0 if no LUN answered
 * (drivers/scsi/sd.c: sd_setup_read_write_cmnd).
 * @param disk has just proven to be the volume
 * @returns whether the disk was read again: the proof may have expired by then
 * @throws SHRUNK the target reports a smaller size on this path than its map has, or none, as in the ALUA state
 *   standby · STUCK
 */
export async function refreshDisk(
  host: Host,
  { identity }: Pick<Attachment, 'identity'>,
  map: Pick<DmMap, 'bytes'>,
  disk: ScsiDisk,
): Promise<boolean> {
  const isOther = identity !== null && isCachedAsOther(disk.cached, identity)
  if (!isOther && disk.bytes >= map.bytes) return false
  const bytes = await rescanDisk(host, disk)
  if (bytes >= map.bytes) return true
  throw new LunkeeperError(
    'SHRUNK',
    `${disk.name} is the volume, but reports ${bytes} bytes; its map has ${map.bytes}: this path is not used`,
  )
}
