import type { FullReservations } from '../../host/disk/reservations.ts'
import { readReservations, registerKey, reserve } from '../../host/disk/reservations.ts'
import type { Host } from '../../host/host.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { Ext4Mark } from '../../model/ext4-mark.ts'
import { isName } from '../../model/name.ts'
import { judgeHeld, reservationVerdict } from '../../model/plan/owner.ts'
import type { Registration } from '../../model/reservation.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import {
  forgetRegistered,
  isContested,
  isRegistered,
  noteContested,
  noteRegistered,
} from '../records/registrations.ts'
import { readRecord } from '../records/volumes.ts'
import { isDisputed } from './disputed.ts'
import { fenced, giveUpKey, giveUpReservation, removeOtherKeys } from './own-keys.ts'
import type { Owned } from './owner-evidence.ts'
import { judgeLost, requireOwn, readWitnesses } from './owner-evidence.ts'

/**
 * For a volume that is attached again automatically, after a reboot or in a recovery, and that nothing on this node uses
 * at that moment: no user has confirmed that it is this node's. A reservation that no other node disputes is enough, because this node
 * has nothing unwritten. Without one, another node may have had the volume meanwhile, and may have given it back.
 * @param told null if the target has no reservations, or they are not used
 * @param recorded the mark of this node's last mount
 * @returns whether another node is registered beside this node's reservation while other evidence shows that it is
 * this node's
 * @throws FENCED another node has it, or has had it · OWNER_UNKNOWN it cannot be determined now
 */
export async function confirmAgain(
  host: Host,
  volume: Owned,
  told: FullReservations | null,
  disk: ScsiDisk,
  recorded?: Ext4Mark,
): Promise<boolean> {
  const { name, fence } = volume
  if (!fence || !told) {
    requireOwn(volume, disk, await readWitnesses(host, volume, disk, recorded))
    return false
  }
  const claim = reservationVerdict(told, fence)
  if (claim.kind === 'held' && claim.beside === null && !isContested(host, name, fence.key)) return false
  if (claim.kind !== 'held' && claim.kind !== 'unclaimed') return false
  const witnesses = await readWitnesses(host, volume, disk, recorded)
  if (claim.kind === 'unclaimed') {
    requireOwn(volume, disk, witnesses, judgeLost(isContested(host, name, fence.key), witnesses))
    return false
  }
  noteContested(host, name, fence.key)
  await whileOwn(host, volume, fence, disk, () =>
    requireOwn(volume, disk, witnesses, judgeHeld(witnesses, true)),
  )
  return true
}

/** Checks that this node's reservation is not stale ({@link judgeHeld}). @throws FENCED OWNER_UNKNOWN */
async function confirmHeld(host: Host, volume: Owned, disk: ScsiDisk, hasDispute: boolean): Promise<void> {
  // A volume that the target guards does not wait for the Kubernetes API.
  const asked = hasDispute ? volume : { ...volume, publication: undefined }
  const witnesses = await readWitnesses(host, asked, disk)
  requireOwn(volume, disk, witnesses, judgeHeld(witnesses, hasDispute))
}

/** Gives the reservation back if it turns out to be stale. @throws what the check throws */
async function whileOwn(
  host: Host,
  volume: Owned,
  fence: Registration,
  disk: ScsiDisk,
  check: () => Promise<void> | void,
): Promise<void> {
  try {
    await check()
  } catch (error) {
    if (isLunkeeperError(error, 'FENCED')) await giveUpReservation(host, volume, fence, disk)
    throw error
  }
}

/**
 * Claims again a volume whose registrations the target has lost, if the other evidence says that it is this node's; the record alone
 * does not, where another node was seen beside this node's reservation before.
 * Another node may do the same at this moment: the node whose key is read back owns the volume.
 * @throws FENCED another node has it, or has had it · OWNER_UNKNOWN it cannot be determined now · TARGET_AWAY STUCK
 */
export async function reclaim(host: Host, volume: Owned, fence: Registration, disk: ScsiDisk): Promise<void> {
  const hasDispute = isContested(host, volume.name, fence.key)
  const confirm = async () => {
    const witnesses = await readWitnesses(host, volume, disk)
    requireOwn(volume, disk, witnesses, judgeLost(hasDispute, witnesses))
  }
  await confirm()
  refuseReleased(host, volume)
  // No session is registered any more; the dispute lasts until the volume is claimed.
  if (hasDispute) noteContested(host, volume.name, fence.key)
  else forgetRegistered(host, volume.name)
  try {
    await registerKey(host, disk, fence.key, fence.persists)
    await reserve(host, disk, fence.key)
    await readBack(host, volume, fence, disk)
    // Another node may have had the volume and given it back since the evidence was read. From now on none can.
    await confirm()
  } catch (error) {
    await giveUpKey(host, volume, fence, disk)
    if (hasDispute) noteContested(host, volume.name, fence.key)
    throw error
  }
}

/**
 * Refuses a volume that a detach has given back since the caller read its record: reserving it again would leave a
 * reservation behind.
 * @throws TARGET_AWAY
 */
function refuseReleased(host: Host, { name }: Owned): void {
  if (!isName(name)) return
  const record = readRecord(host, name)
  if (record === null || record.fence?.isReleasing)
    throw new LunkeeperError('TARGET_AWAY', `${name} is being detached`)
}

/**
 * Registers a session before its path is used: by the standard each session is registered separately, and a new
 * login makes a new session. The reservation was seen to be this node's a moment ago, but over a new connection it
 * may be stale. Once another node was seen beside it, that node's silence proves nothing: the same stale
 * reservation may have made it believe that it had lost the volume.
 * @param contest.isContested another node's key is registered as well
 * @throws FENCED · TARGET_AWAY OWNER_UNKNOWN STUCK
 */
export async function registerSession(
  host: Host,
  volume: Owned,
  fence: Registration,
  disk: ScsiDisk,
  contest: { readonly isContested: boolean },
): Promise<void> {
  const { name } = volume
  if (fence.isReleasing || isRegistered(host, name, fence.key, disk.sid)) return
  const hasDispute = await isDisputed(host, volume, fence, disk, contest.isContested)
  if (hasDispute && contest.isContested) noteContested(host, name, fence.key)
  const confirm = () => confirmHeld(host, volume, disk, hasDispute)
  await whileOwn(host, volume, fence, disk, confirm)
  await registerKey(host, disk, fence.key, fence.persists)
  if (hasDispute) {
    // The other node may be about to mount the volume: from here on it cannot write, and anything it has mounted by
    // now is visible.
    if ((await removeOtherKeys(host, fence, disk)).generation === null)
      throw new LunkeeperError('OWNER_UNKNOWN', `${name}: another node's registration could not be removed`)
    await whileOwn(host, volume, fence, disk, confirm)
  }
  await readBack(host, volume, fence, disk)
}

/** Continues only if the reservation read back is this node's; otherwise it unregisters its key. */
async function readBack(host: Host, volume: Owned, fence: Registration, disk: ScsiDisk): Promise<void> {
  // If it cannot be read, the key stays: if the target counts by initiator, the paths in use have the same
  // registration.
  const claim = reservationVerdict(await readReservations(host, disk), fence)
  if (claim.kind === 'held') return noteIfPossible(host, volume, fence, disk)
  await giveUpKey(host, volume, fence, disk)
  if (claim.kind === 'lost') throw await fenced(host, volume, disk, claim.holder)
  throw new LunkeeperError('OWNER_UNKNOWN', `${volume.name}: the target did not keep the reservation`)
}

/** A full /run must not prevent a path from coming back: the path is then simply asked once more. */
function noteIfPossible(host: Host, { name }: Owned, { key }: Registration, { sid }: ScsiDisk): void {
  try {
    noteRegistered(host, name, key, sid)
  } catch (error) {
    if (!isLunkeeperError(error, 'NO_SPACE', 'RECORD_UNWRITABLE')) throw error
  }
}
