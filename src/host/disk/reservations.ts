import { LunkeeperError } from '../../model/errors.ts'
import type {
  Registrant,
  Registration,
  ReservationCapabilities,
  ReservationKey,
  Reservations,
} from '../../model/reservation.ts'
import { WRITE_EXCLUSIVE_REGISTRANTS_ONLY } from '../../model/reservation.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { PersistAnswer, PersistCommand } from '../worker/protocol.ts'
import type { Host } from '../host.ts'
import {
  capabilitiesOf,
  generationOf,
  reservationHolder,
  keysOf,
  registrantsOf,
} from '../read/reservation-data.ts'
import { SG_DEADLINE_MS, throughSg } from './through-sg.ts'

const NO_KEY = '0000000000000000'
const TYPE = WRITE_EXCLUSIVE_REGISTRANTS_ONLY
const READ_ALL = [
  { read: 'capabilities' },
  { read: 'keys' },
  { read: 'reservation' },
  { read: 'status' },
] as const satisfies readonly PersistCommand[]

/** Everything that the target reports about reservations of a volume. */
export interface FullReservations extends Reservations {
  /** The target increments it when a key is registered or removed (PRGENERATION, SPC-4 section 6.15.2). */
  readonly generation: number
  readonly capabilities: ReservationCapabilities
  /** Empty if the target does not support READ FULL STATUS. */
  readonly registrants: readonly Registrant[]
}

/**
 * Registrations, reservation and capabilities; null if the target does not support persistent reservations.
 * @throws TARGET_AWAY the target does not answer now · STUCK
 */
export async function readReservations(
  host: Host,
  disk: ScsiDisk,
  deadlineMs?: number,
): Promise<FullReservations | null> {
  return fullReservations(disk, await persist(host, disk, READ_ALL, deadlineMs))
}

/** @throws TARGET_AWAY */
function fullReservations(
  disk: ScsiDisk,
  // The answers end with the first command that failed.
  [capabilities, keys, holder, status]: readonly PersistAnswer[],
): FullReservations | null {
  if (capabilities?.kind !== 'done') {
    if (capabilities?.isUnknown) return null
    throw unreadable(disk, capabilities)
  }
  const reservations = parseReservations([keys, holder])
  if (!reservations) throw unreadable(disk, keys?.kind === 'done' ? holder : keys)
  return {
    ...reservations,
    generation: keys?.kind === 'done' ? generationOf(keys.data) : 0,
    capabilities: capabilitiesOf(capabilities.data),
    registrants: status?.kind === 'done' ? registrantsOf(status.data) : [],
  }
}

/** The initiator that registered a key; null if the target does not report it. */
export function initiatorOf(reservations: FullReservations | null, key: ReservationKey): string | null {
  return reservations?.registrants.find((one) => one.key === key)?.initiator ?? null
}

/** Parses the answers to READ KEYS and READ RESERVATION; null if one of the commands failed. */
export function parseReservations([keys, holder]: readonly (
  | PersistAnswer
  | undefined
)[]): Reservations | null {
  if (keys?.kind !== 'done' || holder?.kind !== 'done') return null
  return { keys: keysOf(keys.data), holder: reservationHolder(holder.data) }
}

/**
 * Registers a key for this session, in place of any key that it has registered before.
 * @param persists whether to ask the target to keep the registration over a power loss
 * @returns whether the target keeps it
 * @throws TARGET_AWAY STUCK
 */
export async function registerKey(
  host: Host,
  disk: ScsiDisk,
  key: ReservationKey,
  persists: boolean,
): Promise<boolean> {
  const register = (keep: boolean) =>
    persist(host, disk, [{ act: 'register', newKey: key, persists: keep }]).then(([answer]) => answer)
  if (persists && (await register(true))?.kind === 'done') return true
  // A target may reject the bit. LIO, if it cannot write its file under /etc/target/pr, answers NOT READY to every PERSISTENT
  // RESERVE OUT although it has carried out the command (drivers/target/target_core_pr.c:core_scsi3_update_and_write_aptpl).
  const answer = await register(false)
  if (answer?.kind === 'done') return false
  // Not if it rejects the command: a key in the list may then be another session's.
  if (answer?.kind === 'refused' && !answer.isUnknown) {
    const [keys] = await persist(host, disk, [{ read: 'keys' }])
    if (keys?.kind === 'done' && keysOf(keys.data).includes(key)) return false
  }
  throw unreadable(disk, answer)
}

/** What {@link claimFree} has done. */
export interface FreeClaim {
  /** Whether the target keeps the registration over a power loss. */
  readonly persists: boolean
  /** What the target reports afterwards; null if it has no reservations. */
  readonly told: FullReservations | null
}

/**
 * Registers a key, reserves the volume, and reads back who has it, in one call of a worker, for a volume that no
 * node has. Equivalent to {@link registerKey}, {@link reserve} and {@link readReservations} one after the other.
 * @param canPersist whether to ask the target to keep the registration over a power loss; if the target rejects
 * that, it is registered without
 * @returns null if the target rejects the registration
 * @throws TARGET_AWAY STUCK
 */
export async function claimFree(
  host: Host,
  disk: ScsiDisk,
  key: ReservationKey,
  canPersist: boolean,
): Promise<FreeClaim | null> {
  const claim = (persists: boolean) =>
    persist(host, disk, [
      { act: 'register', newKey: key, persists, mayFail: !persists },
      { act: 'reserve', key, type: TYPE, mayFail: true },
      ...READ_ALL,
    ])
  if (canPersist) {
    const [registered, , ...read] = await claim(true)
    if (registered?.kind === 'done') return { persists: true, told: fullReservations(disk, read) }
  }
  // LIO reports an error although it has registered the key: see registerKey.
  const [registered, , ...read] = await claim(false)
  if (registered?.kind !== 'done' && (registered?.kind !== 'refused' || registered.isUnknown)) return null
  const told = fullReservations(disk, read)
  return told?.keys.includes(key) ? { persists: false, told } : null
}

/**
 * Reserves the volume for all registered keys.
 * @returns false if another key has the reservation, this session is not registered, or the target did not confirm it: the
 *   caller reads the reservation to find out
 * @throws TARGET_AWAY STUCK
 */
export async function reserve(host: Host, disk: ScsiDisk, key: ReservationKey): Promise<boolean> {
  return isDone(await persist(host, disk, [{ act: 'reserve', key, type: TYPE }]))
}

/**
 * Removes another key's registrations, aborts its commands, and takes over its reservation.
 * @returns false if the target did not confirm it, most often because this session is no longer registered
 * @throws TARGET_AWAY STUCK
 */
export async function preempt(
  host: Host,
  disk: ScsiDisk,
  key: ReservationKey,
  other: ReservationKey,
): Promise<boolean> {
  const answers = await persist(host, disk, [{ act: 'preempt', key, newKey: other, type: TYPE }])
  return isDone(answers)
}

/** Removes the registration of this session; those of earlier sessions of the node stay. @throws TARGET_AWAY STUCK */
export async function unregisterKey(host: Host, disk: ScsiDisk, key: ReservationKey): Promise<void> {
  await persist(host, disk, [{ act: 'register', key, newKey: NO_KEY }])
}

/** Removes all registrations and the reservation. @returns whether the target confirmed it @throws TARGET_AWAY STUCK */
export async function clearReservations(host: Host, disk: ScsiDisk, key: ReservationKey): Promise<boolean> {
  return isDone(await persist(host, disk, [{ act: 'clear', key }]))
}

/**
 * Gives this node's reservation back, and removes all of its registrations, including those of earlier sessions,
 * which only CLEAR or PREEMPT removes. Another node's registration stays.
 * @throws TARGET_AWAY the reservation is still there · STUCK
 */
export async function releaseReservation(
  host: Host,
  disk: ScsiDisk,
  { key, persists }: Registration,
): Promise<void> {
  const read = async () => (await readReservations(host, disk))?.keys ?? []
  const isGone = async () => !(await read()).includes(key)
  // CLEAR removes every registration, so it is only for a node that is alone, and knows that now: another node may
  // be taking the volume over.
  const isCleared = async (keys: readonly ReservationKey[]) =>
    keys.every((other) => other === key) && ((await clearReservations(host, disk, key)) || (await isGone()))
  const keys = await read()
  if (!keys.includes(key) || (await isCleared(keys))) return
  await registerKey(host, disk, key, persists)
  if (await isCleared(await read())) return
  await preempt(host, disk, key, key)
  await unregisterKey(host, disk, key)
  if (!(await isGone())) throw new LunkeeperError('TARGET_AWAY', 'the target did not remove it')
}

function isDone([answer]: readonly PersistAnswer[]): boolean {
  return answer?.kind === 'done'
}

function persist(
  host: Host,
  disk: ScsiDisk,
  commands: readonly PersistCommand[],
  deadlineMs = SG_DEADLINE_MS,
): Promise<PersistAnswer[]> {
  return throughSg(host, disk, (worker, path) => worker.call('persist', { path, commands }, deadlineMs))
}

function unreadable(disk: ScsiDisk, answer: PersistAnswer | undefined): LunkeeperError {
  const why = answer && answer.kind !== 'done' ? answer.why : 'no answer'
  return new LunkeeperError('TARGET_AWAY', `the reservations of ${disk.name} cannot be used now: ${why}`)
}
