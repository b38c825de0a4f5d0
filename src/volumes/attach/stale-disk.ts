import { withExclusiveOpen } from '../../host/disk/exclusive-open.ts'
import { removeDisk, rescanDisk } from '../../host/disk/remove.ts'
import type { Host } from '../../host/host.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { Identity } from '../../model/identity.ts'
import { isIdentified, nameDifference } from '../../model/identity.ts'
import type { VolumeName } from '../../model/name.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { isUsedOn } from '../../state/proof/used-on.ts'
import { readRecord } from '../../state/records/volumes.ts'
import { lastingOpeners, openable } from '../../state/view/openers.ts'
import { describeUsers } from '../../state/view/users.ts'
import { lookAtAttachment } from '../../state/view/volume.ts'
import type { PathWork } from './path.ts'

/**
 * Removes the disk of a volume that is no longer at this LUN. It is not flushed: its dirty data belongs to the old
 * volume, and would be written to the new one. A disk that this volume is using is read again instead: another LUN
 * answered there only when the kernel last read it.
 */
export async function replaceStale(
  { host, name, steps }: Pick<PathWork, 'host' | 'name' | 'steps'>,
  disk: ScsiDisk,
  identity: Identity,
): Promise<void> {
  const hctl = formatHctl(disk.hctl)
  if (isUsedAs(host, name, disk, identity)) {
    await steps.step('rescan', disk.name ?? hctl, () => rescanDisk(host, disk))
    return
  }
  const drop = () => steps.step('drop-stale-disk', `${disk.name} at ${hctl}`, () => removeDisk(host, disk))
  const believed = disk.cached.wwid ?? disk.cached.serial
  if (disk.name === null) {
    await drop()
    return
  }
  const dropped = await withExclusiveOpen(host, disk.name, async () => {
    if ((await lastingOpeners(host, [openable(disk)!])).length > 0) return null
    await drop()
    return true
  })
  if (dropped) return
  throw new LunkeeperError(
    'STALE_DISK',
    `${disk.name} at ${hctl} was ${believed} and is ${identity.wwid ?? identity.serial} now, and it is in use: ${await describeUsers(host, [disk])}`,
  )
}

/** Whether an attached volume uses the disk, and is the one that answers there. */
function isUsedAs(host: Host, name: VolumeName, disk: ScsiDisk, identity: Identity): boolean {
  const record = readRecord(host, name)
  if (!record?.identity || !isIdentified(record.identity)) return false
  if (nameDifference(identity, record.identity) !== null) return false
  return isUsedOn(host, record, disk, lookAtAttachment(host, record).maps)
}
