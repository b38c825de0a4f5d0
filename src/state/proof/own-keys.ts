import type { FullReservations } from '../../host/disk/reservations.ts'
import {
  initiatorOf,
  preempt,
  readReservations,
  releaseReservation,
  unregisterKey,
} from '../../host/disk/reservations.ts'
import type { Host } from '../../host/host.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { Registration, ReservationKey } from '../../model/reservation.ts'
import { formatKey, isLunkeeperKey } from '../../model/reservation.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { forgetRegistered, noteContested } from '../records/registrations.ts'
import type { Owned } from './owner-evidence.ts'

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
  deadlineMs?: number,
): Promise<FullReservations | 'none' | 'silent'> {
  try {
    return (await readReservations(host, disk, deadlineMs)) ?? 'none'
  } catch (error) {
    if (isLunkeeperError(error)) return 'silent'
    throw error
  }
}
