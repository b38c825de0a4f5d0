import type { Interview } from '../../host/disk/identify.ts'
import { interview } from '../../host/disk/identify.ts'
import type { Host } from '../../host/host.ts'
import { hasItsNames } from '../../host/read/disks.ts'
import { readSessionState } from '../../host/read/sessions.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { Identity } from '../../model/identity.ts'
import { isIdentified, nameDifference } from '../../model/identity.ts'
import { reservationVerdict } from '../../model/plan/owner.ts'
import type { Registration, ReservationKey } from '../../model/reservation.ts'
import { formatKey } from '../../model/reservation.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'

/** A disk's answer: which volume it is, and which node owns it. */
export interface Answer {
  readonly disk: ScsiDisk
  /**
   * `ours`: the expected volume, and no other node has reserved it. `stranger`: another volume. `lost`: the
   * expected volume, but another node or other software has it. `unclaimed`: the expected volume, but this node's
   * reservation is gone and no other node has replaced it. `silent`: no answer, because the session is lost, the
   * LUN is unmapped, or the target does not respond; nothing written to the disk arrives anywhere now.
   */
  readonly verdict: 'ours' | 'stranger' | 'lost' | 'unclaimed' | 'silent'
  /** Why it is not `ours`. */
  readonly error: LunkeeperError | null
  /** The key that holds the reservation, if `lost`. */
  readonly holder?: ReservationKey
  /** Another node's key beside this node's reservation, if `ours`; absent if there is none. */
  readonly beside?: ReservationKey
}

/** WWID and serial of a volume; both null if its target provides neither. */
export type KnownIdentity = Pick<Identity, 'wwid' | 'serial'>

export interface AskOptions {
  /** Milliseconds. @default the kernel's own for an INQUIRY */
  readonly deadlineMs?: number | undefined
  /** What this node has registered; without it the owner is not checked. */
  readonly fence?: Registration | undefined
}

/**
 * Asks a disk which volume answers there now, by an INQUIRY to the device, and who has reserved it.
 * @param expected null if the identity is not known: then no answer counts as right
 */
export async function askDisk(
  host: Host,
  disk: ScsiDisk,
  expected: KnownIdentity | null,
  { deadlineMs, fence }: AskOptions = {},
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
    const seen = await interview(host, disk, { reservations: fence !== undefined }, deadlineMs)
    if (!hasItsNames(host.paths, disk))
      return silent(new LunkeeperError('TARGET_AWAY', `${where}: the kernel has removed the disk`))
    const difference = differenceOf(seen.identity, expected)
    if (difference !== null) {
      const error = new LunkeeperError('IDENTITY_MISMATCH', `${where} is another volume: ${difference}`)
      return { disk, verdict: 'stranger', error }
    }
    return fence ? claimAnswer(disk, where, seen, fence) : { disk, verdict: 'ours', error: null }
  } catch (error) {
    if (error instanceof LunkeeperError) return silent(error)
    throw error
  }
}

function claimAnswer(
  disk: ScsiDisk,
  where: string,
  { reservations, hasSg }: Interview,
  fence: Registration,
): Answer {
  const claim = reservationVerdict(reservations, fence)
  const answer = (verdict: Answer['verdict'], code: 'FENCED' | 'OWNER_UNKNOWN', message: string): Answer => ({
    disk,
    verdict,
    error: new LunkeeperError(code, `${where}${message}`),
  })
  if (claim.kind === 'lost') {
    const { holder } = claim
    const message = `: this node has lost the volume: the reservation has key ${formatKey(holder)}, not ${formatKey(fence.key)}`
    return { ...answer('lost', 'FENCED', message), holder }
  }
  // A detach that was cut off has given the reservation back; by then everything was written.
  if (claim.kind === 'unclaimed' && fence.isReleasing) return { disk, verdict: 'ours', error: null }
  if (claim.kind === 'held')
    return { disk, verdict: 'ours', error: null, ...(claim.beside === null ? {} : { beside: claim.beside }) }
  if (claim.kind === 'unknown' && !hasSg)
    return {
      disk,
      verdict: 'silent',
      error: new LunkeeperError(
        'OWNER_UNKNOWN',
        `${where} cannot be asked which node has reserved it: it has no sg device`,
        { hint: 'Load the kernel module: modprobe sg' },
      ),
    }
  if (claim.kind === 'unknown')
    return answer('silent', 'OWNER_UNKNOWN', ' does not report which node has reserved it')
  return answer(
    'unclaimed',
    'OWNER_UNKNOWN',
    ": the target no longer has this node's reservation, nor another node's",
  )
}

/** The size is not compared: a volume may have grown, and the kernel rejects a table that is longer than its disk. */
function differenceOf(seen: Identity, { wwid, serial }: KnownIdentity): string | null {
  if (wwid !== null || serial !== null) return nameDifference(seen, { wwid, serial })
  return isIdentified(seen) ? `it is ${seen.wwid ?? seen.serial}, and the volume has no identity` : null
}
