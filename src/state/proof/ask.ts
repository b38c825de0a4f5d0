import { identify } from '../../host/disk/identify.ts'
import type { Host } from '../../host/host.ts'
import { readSessionState } from '../../host/read/sessions.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { Identity } from '../../model/identity.ts'
import { identityDifference, isIdentified } from '../../model/identity.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'

/** What a disk answered when it was asked which volume it is. */
export interface Answer {
  readonly disk: ScsiDisk
  /**
   * `ours`: the volume expected. `stranger`: another volume. `silent`: no answer, because its session is lost, its
   * LUN is unmapped, or the target does not respond; nothing written to it arrives anywhere now.
   */
  readonly verdict: 'ours' | 'stranger' | 'silent'
  /** Why it is not `ours`. */
  readonly error: LunkeeperError | null
}

/** WWID and serial of a volume; both null for one whose target gives it neither. */
export type KnownIdentity = Pick<Identity, 'wwid' | 'serial'>

/**
 * Asks a disk which volume answers there now, by INQUIRY to the device.
 * @param deadlineMs milliseconds. @default the kernel's own for an INQUIRY
 * @param expected null where nobody has learned it: then no answer is the right one
 */
export async function askDisk(
  host: Host,
  disk: ScsiDisk,
  expected: KnownIdentity | null,
  deadlineMs?: number,
): Promise<Answer> {
  const where = disk.name ?? `LUN ${disk.hctl.lun}`
  const silent = (error: LunkeeperError): Answer => ({ disk, verdict: 'silent', error })
  const state = readSessionState(host.paths, disk.sid)
  if (state !== 'LOGGED_IN')
    return silent(new LunkeeperError('TARGET_AWAY', `${where}: session ${disk.sid} is ${state ?? 'gone'}`))
  if (disk.state !== 'running')
    return silent(new LunkeeperError('TARGET_AWAY', `${where}: the disk is ${disk.state}`))
  if (!expected)
    return silent(new LunkeeperError('IDENTITY_UNREADABLE', `${where}: the volume's identity is not known`))
  try {
    const difference = differenceOf(await identify(host, disk, deadlineMs), expected)
    if (difference === null) return { disk, verdict: 'ours', error: null }
    const error = new LunkeeperError('IDENTITY_MISMATCH', `${where} is another volume: ${difference}`)
    return { disk, verdict: 'stranger', error }
  } catch (error) {
    if (error instanceof LunkeeperError) return silent(error)
    throw error
  }
}

/** Size is not compared: a volume may have grown, and the kernel refuses a table that is longer than its disk. */
function differenceOf(seen: Identity, { wwid, serial }: KnownIdentity): string | null {
  if (wwid !== null || serial !== null) return identityDifference(seen, { wwid, serial })
  return isIdentified(seen) ? `it is ${seen.wwid ?? seen.serial}, and the volume has no identity` : null
}
