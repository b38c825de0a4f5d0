import type { FullReservations } from '../../host/disk/reservations.ts'
import {
  initiatorOf,
  preempt,
  readReservations,
  registerKey,
  releaseReservation,
  reserve,
  unregisterKey,
} from '../../host/disk/reservations.ts'
import type { Host } from '../../host/host.ts'
import type { Publication } from '../../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { Judgement, Witnesses } from '../../model/plan/owner.ts'
import { judgeHeld, judgeUnclaimed, reservationVerdict } from '../../model/plan/owner.ts'
import type { Ext4Mark } from '../../model/ext4-mark.ts'
import type { SettledRequest } from '../../model/request.ts'
import type { Registration, ReservationKey } from '../../model/reservation.ts'
import { formatKey, isLunkeeperKey } from '../../model/reservation.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import {
  forgetRegistered,
  isContested,
  isDisputed,
  isRegistered,
  noteContested,
  noteRegistered,
} from '../records/registrations.ts'
import { readMark } from './mark.ts'

/** A volume, as far as it matters for ownership. */
export interface Owned {
  readonly name: string
  readonly request?: Pick<SettledRequest, 'use' | 'shared'> | undefined
  readonly fence?: Registration | undefined
  readonly publication?: Publication | undefined
}

/**
 * Collects the ownership evidence other than reservations: the VolumeAttachment and the file-system mark.
 * @param recorded the mark of this node's last mount, for use after a reboot
 */
export async function readWitnesses(
  host: Host,
  volume: Owned,
  disk: ScsiDisk,
  recorded?: Ext4Mark,
): Promise<Witnesses> {
  const { fence, publication, request } = volume
  const [kubernetes, mark] = await Promise.all([
    askKubernetes(host, publication),
    request ? readMark(host, volume.name, request.use, disk, recorded) : ('none' as const),
  ])
  return { persists: fence?.persists ?? false, kubernetes, mark }
}

async function askKubernetes(
  host: Host,
  publication: Publication | undefined,
): Promise<Witnesses['kubernetes']> {
  if (publication === undefined) return 'none'
  return host.witnesses.kubernetes?.(publication) ?? 'unreachable'
}

/**
 * Decides by the other evidence (VolumeAttachment, file-system mark) if the target has no reservations. A volume
 * for several writers has only its VolumeAttachment: each node has its own.
 * @throws FENCED another node has had the volume · OWNER_UNKNOWN it cannot be determined now
 */
export async function confirmUnguarded(host: Host, volume: Owned, disk: ScsiDisk): Promise<void> {
  const { fence, request, publication } = volume
  if (fence || !request || request.use.readOnly) return
  if (!request.shared) return judge(volume, disk, await readWitnesses(host, volume, disk))
  const kubernetes = await askKubernetes(host, publication)
  judge(volume, disk, { persists: false, kubernetes, mark: 'none' })
}

/**
 * For a volume that nothing on this node uses, before it is attached again automatically, as after a reboot: no
 * user has confirmed that it is this node's. A reservation that no other node disputes is enough, because this node
 * has nothing unwritten.
 * @param recorded the mark of this node's last mount
 * @returns whether another node is registered beside this node's reservation while other evidence shows that it is
 * this node's
 * @throws FENCED another node has it, or has had it · OWNER_UNKNOWN it cannot be determined now
 */
export async function confirmAgain(
  host: Host,
  volume: Owned,
  told: FullReservations,
  disk: ScsiDisk,
  recorded?: Ext4Mark,
): Promise<boolean> {
  const { name, fence } = volume
  if (!fence) return false
  const claim = reservationVerdict(told, fence)
  if (claim.kind === 'held' && claim.beside === null && !isContested(host, name, fence.key)) return false
  if (claim.kind !== 'held' && claim.kind !== 'unclaimed') return false
  const witnesses = await readWitnesses(host, volume, disk, recorded)
  if (claim.kind === 'unclaimed') {
    judge(volume, disk, witnesses, judgeLost(isContested(host, name, fence.key), witnesses))
    return false
  }
  noteContested(host, name, fence.key)
  await whileOwn(host, volume, fence, disk, () => judge(volume, disk, witnesses, judgeHeld(witnesses, true)))
  return true
}

/** Checks that this node's reservation is not stale ({@link judgeHeld}). @throws FENCED OWNER_UNKNOWN */
async function confirmHeld(host: Host, volume: Owned, disk: ScsiDisk, hasDispute: boolean): Promise<void> {
  // A volume that the target guards does not wait for the Kubernetes API.
  const asked = hasDispute ? volume : { ...volume, publication: undefined }
  const witnesses = await readWitnesses(host, asked, disk)
  judge(volume, disk, witnesses, judgeHeld(witnesses, hasDispute))
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

/** @throws FENCED OWNER_UNKNOWN */
function judge(
  { name }: Owned,
  disk: ScsiDisk,
  witnesses: Witnesses,
  { verdict, why }: Judgement = judgeUnclaimed(witnesses),
): void {
  if (verdict === 'own') return
  const code = verdict === 'lost' ? 'FENCED' : 'OWNER_UNKNOWN'
  throw new LunkeeperError(code, `${name}: ${disk.name}: ${why}`, { details: { ...witnesses } })
}

/** Judges a volume whose reservation the target has lost. The record alone does not decide a dispute. */
function judgeLost(hasDispute: boolean, witnesses: Witnesses): Judgement {
  return hasDispute ? judgeHeld(witnesses, true) : judgeUnclaimed(witnesses)
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
    judge(volume, disk, witnesses, judgeLost(hasDispute, witnesses))
  }
  await confirm()
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
  const hasDispute = isDisputed(host, name, fence.key, contest.isContested)
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

/**
 * Removes this node's key from a volume that is not this node's, or not known to be: a registered node may write.
 * If the target does not answer, the key is removed by the next check that finds the volume lost, or by the owner's
 * agent: until then the record must keep the key.
 * @returns whether the target has removed it
 */
export async function giveUpKey(
  host: Host,
  { name }: Pick<Owned, 'name'>,
  { key }: Registration,
  disk: ScsiDisk,
): Promise<boolean> {
  forgetRegistered(host, name)
  try {
    await unregisterKey(host, disk, key)
    return true
  } catch (error) {
    if (!isLunkeeperError(error)) throw error
    return false
  }
}

/**
 * Gives back a reservation that is stale, or not known to be this node's: the node that has the volume would
 * take it as a sign that it had lost the volume. The registration may belong to an earlier session. If the target
 * does not answer, this node still sends nothing.
 */
export async function giveUpReservation(
  host: Host,
  { name }: Pick<Owned, 'name'>,
  fence: Registration,
  disk: ScsiDisk,
): Promise<void> {
  // The note stays until the target has confirmed the release: a reservation that is still there then is not
  // trusted.
  noteContested(host, name, fence.key)
  try {
    await releaseReservation(host, disk, fence)
    forgetRegistered(host, name)
  } catch (error) {
    if (!isLunkeeperError(error)) throw error
  }
}

/**
 * Removes the keys of other nodes beside this node's reservation: each of them could write. Such a key is left if a
 * node was stopped or killed between its registration and the check of who has the volume. Keys of other software
 * stay.
 * @returns the target's generation of keys, null if they must be read again: a key could not be removed, or this
 * node does not have the reservation; and whose keys were removed
 * @throws TARGET_AWAY STUCK MODULE_MISSING
 */
export async function removeOtherKeys(
  host: Host,
  { key }: Registration,
  disk: ScsiDisk,
): Promise<{ readonly generation: number | null; readonly removed: readonly string[] }> {
  const told = await readReservations(host, disk)
  if (told?.holder?.key !== key) return { generation: null, removed: [] }
  const others = told.keys.filter((other) => other !== key && isLunkeeperKey(other))
  const removed: string[] = []
  for (const other of new Set(others))
    if (await preempt(host, disk, key, other))
      removed.push(initiatorOf(told, other) ?? `the node with key ${formatKey(other)}`)
  // Removing a key increments the generation: the next check reads the keys again.
  const isDone = removed.length === new Set(others).size
  return { generation: isDone ? told.generation : null, removed }
}

/** The error for a node that has lost a volume. It names the new owner if the target reports it. */
export async function fenced(
  host: Host,
  { name }: Pick<Owned, 'name'>,
  disk: ScsiDisk,
  holder: ReservationKey,
): Promise<LunkeeperError> {
  const told = await askReservations(host, disk)
  const by = typeof told === 'string' ? null : initiatorOf(told, holder)
  return new LunkeeperError(
    'FENCED',
    `${name}: this node has lost the volume: ${by ?? 'another node'} has it (key ${formatKey(holder)})`,
    { details: { holder: by, key: holder } },
  )
}

/** Like {@link readReservations}, for use in reports: `none` if the target has none, `silent` if it does not answer. */
export async function askReservations(
  host: Host,
  disk: ScsiDisk,
): Promise<FullReservations | 'none' | 'silent'> {
  try {
    return (await readReservations(host, disk)) ?? 'none'
  } catch (error) {
    if (isLunkeeperError(error)) return 'silent'
    throw error
  }
}
