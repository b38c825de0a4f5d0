import { readReservations } from '../../host/disk/reservations.ts'
import type { Host } from '../../host/host.ts'
import { readDisk } from '../../host/read/disks.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Registration } from '../../model/reservation.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { isContested, lastingSessions } from '../records/registrations.ts'
import type { Owned } from './owner-evidence.ts'

/**
 * Whether this node's reservation is disputed: another node was seen beside it, or is now, and no session shows that
 * it has lasted.
 * @param disk over whose connection the reservation was read
 * @param isBeside whether another node is registered now
 */
export async function isDisputed(
  host: Host,
  { name }: Pick<Owned, 'name'>,
  fence: Registration,
  disk: ScsiDisk,
  isBeside: boolean,
): Promise<boolean> {
  if (isContested(host, name, fence.key)) return true
  return isBeside && !(await hasLasted(host, name, fence, disk))
}

/**
 * Whether the target says over a connection that this node has had since it registered that the reservation is this
 * node's: then the target has not restored it. A connection may be lost for some seconds before the kernel notices,
 * so its state alone does not show that.
 */
async function hasLasted(
  host: Host,
  name: string,
  { key }: Registration,
  { hctl }: ScsiDisk,
): Promise<boolean> {
  const lasting = () => lastingSessions(host, name, key)
  const asked = lasting().map(async (sid) => {
    const disk = readDisk(host.paths, { sid }, hctl.lun, { identity: false })
    const told = disk && (await readReservations(host, disk).catch(silent))
    return told?.holder?.key === key && lasting().includes(sid)
  })
  return (await Promise.all(asked)).includes(true)
}

function silent(error: unknown): null {
  if (isLunkeeperError(error, 'TARGET_AWAY', 'MODULE_MISSING', 'STUCK')) return null
  throw error
}
