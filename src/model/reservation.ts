import type { Branded } from './brand.ts'

/**
 * A reservation key of SCSI persistent reservations: 16 lower-case hexadecimal digits (8 bytes, SPC-4 section
 * 5.13). Our keys consist of a marker of two bytes, four bytes for the node, and two for this attachment. A reader
 * of a volume's keys (sg_persist -k) can so see which software and which node they belong to.
 */
export type ReservationKey = Branded<string, 'ReservationKey'>

/** "LK". Keys of other known software do not begin like this: fence_scsi uses node numbers, mpathpersist a configured key. */
const MARKER = '4c4b'

const KEY = /^[0-9a-f]{16}$/

/** @throws TypeError it is not 16 hexadecimal digits */
export function parseKey(text: string): ReservationKey {
  const key = text.toLowerCase().replace(/^0x/, '')
  if (!KEY.test(key)) throw new TypeError(`"${text}" is not a reservation key`)
  return key as ReservationKey
}

/**
 * @param node distinguishes this node from others: 8 hexadecimal digits
 * @param epoch distinguishes this attachment from earlier ones of the node: 4 hexadecimal digits
 */
export function makeKey(node: string, epoch: string): ReservationKey {
  return parseKey(`${MARKER}${node}${epoch}`)
}

/** Whether a Lunkeeper made it, on any node. */
export function isLunkeeperKey(key: ReservationKey): boolean {
  return key.startsWith(MARKER)
}

/** The node's part of one of our keys: 8 hexadecimal digits. */
export function nodeOfKey(key: ReservationKey): string {
  return key.slice(4, 12)
}

/** As sg_persist prints it. */
export function formatKey(key: ReservationKey): string {
  return `0x${key}`
}

/** Write exclusive, registrants only (SPC-4 table 34): all initiators may read, only registered ones may write. */
export const WRITE_EXCLUSIVE_REGISTRANTS_ONLY = 5

/** The holder of a reservation. */
export interface ReservationHolder {
  readonly key: ReservationKey
  /** {@link WRITE_EXCLUSIVE_REGISTRANTS_ONLY}, or another of SPC-4 table 34. */
  readonly type: number
}

/** Registrations and reservation of a volume, as the target reports them now. */
export interface Reservations {
  /** One for each registration; one key may occur several times, once for each session of its node. */
  readonly keys: readonly ReservationKey[]
  readonly holder: ReservationHolder | null
}

/** One registration in full. */
export interface Registrant {
  readonly key: ReservationKey
  readonly isHolder: boolean
  /** The initiator's iSCSI name; null if the target does not report it in a form that is understood. */
  readonly initiator: string | null
}

/** What the target can do (REPORT CAPABILITIES). */
export interface ReservationCapabilities {
  /** It can keep registrations over a power loss (PTPL_C). */
  readonly canPersist: boolean
}

/**
 * What this node has registered at the target for a volume. The volume's record has it as `fence`: that is the name
 * in records on disk, and in the fields of other types that pass it on.
 */
export interface Registration {
  readonly key: ReservationKey
  /** The target keeps it over its own restart (APTPL was accepted): if it is gone, it was removed. */
  readonly persists: boolean
  /** A detach is giving it back after everything was written: if it is gone then, that is expected. */
  readonly isReleasing?: boolean | undefined
}
