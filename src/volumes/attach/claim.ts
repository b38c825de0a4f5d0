import { refuseProtected } from '../../host/fs/protect.ts'
import { readReservations, releaseReservation } from '../../host/disk/reservations.ts'
import { findHoldMap } from '../../host/map/hold-map.ts'
import { readInitiatorName } from '../../host/read/node.ts'
import type { Attachment } from '../../model/attachment.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import { hasOneWriter } from '../../model/request.ts'
import type { Registration } from '../../model/reservation.ts'
import { formatKey, isLunkeeperKey } from '../../model/reservation.ts'
import { confirmAgain } from '../../state/proof/owner.ts'
import { readRecords } from '../../state/records/volumes.ts'
import { proveDisks } from '../../state/proof/prove.ts'
import { deviceOfVolume, devicesOf, disksOf, lookAtAttachment } from '../../state/view/volume.ts'
import { mountsOf } from '../../state/view/users.ts'
import { claimRefusal, isOfThisNode, reservedForOne } from './claim-refusal.ts'
import type { Path } from './path.ts'
import type { ClaimWork } from './reservation-claim.ts'
import { readForClaim, ReservationClaim } from './reservation-claim.ts'

/**
 * If the volume's target has persistent reservations, makes this node the only one that may write to it: registers
 * every path's session, and reserves. A volume that is already in use here must still be this node's: it is not
 * claimed from a node that has taken it meanwhile.
 * @throws OWNED_ELSEWHERE another node or other software has it · FENCED OWNER_UNKNOWN it was this node's ·
 *   WRITE_PROTECTED · TARGET_AWAY STUCK
 */
export async function claimVolume(work: ClaimWork): Promise<void> {
  const { host } = work
  const { request } = work.record
  // If a detach began to give it back but did not finish, it counts again.
  const fence = work.record.fence && { key: work.record.fence.key, persists: work.record.fence.persists }
  if (work.record.fence?.isReleasing) work.note({ fence })
  const { shared = false, use, fence: mode } = request
  const isReserved = hasOneWriter(request) && mode !== 'off'
  const disks = work.paths.map(({ disk }) => disk)
  const isUsed = isInUse(work)
  // Its dirty pages are from the time of the earlier VolumeAttachment. A new one does not show which node had the
  // volume in between.
  const isDecided =
    isUsed && !use.readOnly && (isReserved || isPublishedAgain(work))
      ? await proveOrTake(work, fence, disks)
      : false
  const record = published(work)
  if (use.readOnly && !shared && mode !== 'off') return refuseWriter(work)
  if (shared && !use.readOnly && mode !== 'off') return refuseReserved(work)
  if (work.isAutomatic && !isUsed && !isReserved && hasOneWriter(request))
    await confirmAgain(host, record, null, disks[0]!, record.mark)
  if (!isReserved) return
  // A volume attached without a reservation (older version, other target setting) is reserved now.
  if (isUsed && fence && !isDecided) return
  // A target that only lets a node read does not let it register either.
  refuseProtected(host, disks[0]!.name)
  const claimed = await new ReservationClaim({ ...work, record }, disks[0]!).run()
  if (claimed === null) {
    if (fence) work.note({ fence: undefined })
    return
  }
  // Registers the other sessions, and reads back through every path: two paths may lead to two volumes that the
  // array considers one.
  if (disks.length > 1) await proveDisks(host, { ...record, fence: claimed }, disks)
}

/**
 * Proves that a volume in use is this node's. If no witness can tell, a user decides by taking the volume over.
 * @returns whether a user has decided, so that the volume must be claimed
 */
async function proveOrTake(
  { host, record, takesOver, publication }: ClaimWork,
  fence: Registration | undefined,
  disks: readonly Path['disk'][],
): Promise<boolean> {
  try {
    await proveDisks(host, { ...record, fence }, disks)
    return false
  } catch (error) {
    const isUndecided = isLunkeeperError(error, 'OWNER_UNKNOWN')
    if (!isUndecided || !takesOver || publication || record.publication) throw error
    return true
  }
}

/** Whether Kubernetes has attached the volume to this node again since it was attached here. */
function isPublishedAgain({ record, publication }: ClaimWork): boolean {
  return publication !== undefined && publication.uid !== record.publication?.uid
}

/** The record, with the volume's present VolumeAttachment. */
function published(work: ClaimWork): Attachment {
  const { record, publication, note } = work
  if (!isPublishedAgain(work)) return record
  note({ publication })
  return { ...record, publication }
}

/**
 * Whether something on this node may have written, or be about to write: a map, a mount, or a raw disk that a
 * program may have open. A disk that this attach has created does not count, as after a reboot: it has no older
 * writes.
 */
function isInUse({ host, record, scanned }: ClaimWork): boolean {
  if (findHoldMap(host, record.name)) return true
  const view = lookAtAttachment(host, record)
  const disks = disksOf(view)
  if (devicesOf(view.maps, disks).some((device) => mountsOf(host, device).length > 0)) return true
  const isHandedOut = record.phase === 'ready' && record.request.use.mount === null
  return isHandedOut && deviceOfVolume(record, view) !== null && disks.some(({ sid }) => !scanned.has(sid))
}

/** Refuses a read-only attach while another node may write: its reads would be inconsistent. @throws OWNED_ELSEWHERE */
async function refuseWriter(work: ClaimWork): Promise<void> {
  const { host, record, paths } = work
  const told = await readForClaim(work, paths[0]!.disk)
  const holder = told?.holder?.key
  if (holder === undefined || isOfThisNode(host, told, holder, readInitiatorName(host.paths))) return
  throw claimRefusal(record, { kind: 'elsewhere', key: holder }, told)
}

/**
 * A volume for several writers is not reserved. With a reservation of one node, which may be left over from when it had
 * one writer, each write of the others would fail.
 * @throws OWNED_ELSEWHERE TARGET_AWAY STUCK
 */
async function refuseReserved({ host, record, paths, steps }: ClaimWork): Promise<void> {
  const [{ disk }] = paths as [Path]
  const told = await readReservations(host, disk).catch(unlessWithoutSg)
  const holder = told?.holder?.key
  if (holder === undefined || !isLunkeeperKey(holder)) return
  if (!isOfThisNode(host, told, holder, readInitiatorName(host.paths)))
    throw reservedForOne(record, holder, told)
  // Another record of this node may use the volume: without a WWID, two names of one LUN are not noticed.
  const isOfAnotherRecord = readRecords(host).attachments.some(
    ({ name, fence }) => name !== record.name && fence?.key === holder,
  )
  if (isOfAnotherRecord) throw reservedForOne(record, holder, told)
  await steps.step('release', `${disk.name} ${formatKey(holder)}`, () =>
    releaseReservation(host, disk, { key: holder, persists: false }),
  )
}

function unlessWithoutSg(error: unknown): null {
  if (isLunkeeperError(error, 'MODULE_MISSING')) return null
  throw error
}
