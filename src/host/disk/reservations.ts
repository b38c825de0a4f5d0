import { LunkeeperError } from '../../model/errors.ts'
import type {
  Registrant,
  ReservationCapabilities,
  ReservationKey,
  Reservations,
} from '../../model/reservation.ts'
import { WRITE_EXCLUSIVE_REGISTRANTS_ONLY } from '../../model/reservation.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { PersistAnswer, PersistCommand } from '../worker/protocol.ts'
import type { Host } from '../host.ts'
import { capabilitiesOf, holderOf, keysOf, registrantsOf } from '../read/reservation-data.ts'
import { SG_DEADLINE_MS, throughSg } from './through-sg.ts'

const NO_KEY = '0000000000000000'
const TYPE = WRITE_EXCLUSIVE_REGISTRANTS_ONLY

/** What the target tells of its reservations in full. */
export interface FullReservations extends Reservations {
  readonly capabilities: ReservationCapabilities
  /** Empty where the target has no READ FULL STATUS. */
  readonly registrants: readonly Registrant[]
}

/**
 * Registrations, reservation and what the target can do; null where it has no persistent reservations.
 * @throws TARGET_AWAY it does not answer now · STUCK
 */
export async function readReservations(host: Host, disk: ScsiDisk): Promise<FullReservations | null> {
  // They end with the first that does not succeed.
  const [capabilities, keys, holder, status] = await persist(host, disk, [
    { read: 'capabilities' },
    { read: 'keys' },
    { read: 'reservation' },
    { read: 'status' },
  ])
  if (capabilities?.kind !== 'done') {
    if (capabilities?.isUnknown) return null
    throw unreadable(disk, capabilities)
  }
  const told = parseReservations([keys, holder])
  if (!told) throw unreadable(disk, keys?.kind === 'done' ? holder : keys)
  return {
    ...told,
    capabilities: capabilitiesOf(capabilities.data),
    registrants: status?.kind === 'done' ? registrantsOf(status.data) : [],
  }
}

/** The initiator that registered a key; null where the target does not tell. */
export function initiatorOf(told: FullReservations | null, key: ReservationKey): string | null {
  return told?.registrants.find((one) => one.key === key)?.initiator ?? null
}

/** Of the answers to READ KEYS and READ RESERVATION; null where one of them did not succeed. */
export function parseReservations([keys, holder]: readonly (
  | PersistAnswer
  | undefined
)[]): Reservations | null {
  if (keys?.kind !== 'done' || holder?.kind !== 'done') return null
  return { keys: keysOf(keys.data), holder: holderOf(holder.data) }
}

/**
 * Registers a key for this session, whatever it had registered before.
 * @returns whether the target keeps it over its own restart
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
  // Targets may refuse the bit. LIO that cannot write its file under /etc/target/pr answers NOT READY to every PERSISTENT
  // RESERVE OUT, and has carried it out (drivers/target/target_core_pr.c:core_scsi3_update_and_write_aptpl).
  const answer = await register(false)
  if (answer?.kind === 'done') return false
  const [keys] = await persist(host, disk, [{ read: 'keys' }])
  if (keys?.kind === 'done' && keysOf(keys.data).includes(key)) return false
  throw unreadable(disk, answer)
}

/**
 * @returns false where another key has the reservation, where this session is not registered, or where the target does not
 *   say that it has done it: read back what became of it @throws TARGET_AWAY STUCK
 */
export async function reserve(host: Host, disk: ScsiDisk, key: ReservationKey): Promise<boolean> {
  return isDone(await persist(host, disk, [{ act: 'reserve', key, type: TYPE }]))
}

/**
 * Removes another key's registrations, ends its commands, and takes its reservation.
 * @returns false where it is not said to be done: this session is not registered any more, most often
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

/** Removes this session's registration. That of an earlier session of the node stays. @throws TARGET_AWAY STUCK */
export async function unregisterKey(host: Host, disk: ScsiDisk, key: ReservationKey): Promise<void> {
  await persist(host, disk, [{ act: 'register', key, newKey: NO_KEY }])
}

/** Removes all registrations and the reservation. @returns false where it is not said to be done @throws TARGET_AWAY STUCK */
export async function clearReservations(host: Host, disk: ScsiDisk, key: ReservationKey): Promise<boolean> {
  return isDone(await persist(host, disk, [{ act: 'clear', key }]))
}

function isDone([answer]: readonly PersistAnswer[]): boolean {
  return answer?.kind === 'done'
}

function persist(host: Host, disk: ScsiDisk, commands: readonly PersistCommand[]): Promise<PersistAnswer[]> {
  return throughSg(host, disk, (worker, path) => worker.call('persist', { path, commands }, SG_DEADLINE_MS))
}

function unreadable(disk: ScsiDisk, answer: PersistAnswer | undefined): LunkeeperError {
  const why = answer && answer.kind !== 'done' ? answer.why : 'no answer'
  return new LunkeeperError('TARGET_AWAY', `the reservations of ${disk.name} cannot be used now: ${why}`)
}
