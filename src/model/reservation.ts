import type { Branded } from './brand.ts'

/**
 * A reservation key of SCSI persistent reservations: 16 lower-case hexadecimal digits (8 bytes, SPC-4 section 5.13).
 * Ours is a marker of two bytes, four bytes for the node, and two for this attachment, so that a reader of the keys of
 * a volume (sg_persist -k) sees which software and which node they belong to.
 */
export type ReservationKey = Branded<string, 'ReservationKey'>

/** "LK". No key of other known software begins so: fence_scsi uses node numbers, mpathpersist what it is told. */
const MARKER = '4c4b'

const KEY = /^[0-9a-f]{16}$/

/** @throws TypeError it is not 16 hexadecimal digits */
export function parseKey(text: string): ReservationKey {
  const key = text.toLowerCase().replace(/^0x/, '')
  if (!KEY.test(key)) throw new TypeError(`"${text}" is not a reservation key`)
  return key as ReservationKey
}

/**
 * @param node what tells this node from others: 8 hexadecimal digits
 * @param epoch what tells this attachment from earlier ones of the node: 4 hexadecimal digits
 */
export function makeKey(node: string, epoch: string): ReservationKey {
  return parseKey(`${MARKER}${node}${epoch}`)
}

/** Whether a Lunkeeper made it, on whatever node. */
export function isLunkeeperKey(key: ReservationKey): boolean {
  return key.startsWith(MARKER)
}

/** The node's part of a key of ours: 8 hexadecimal digits. */
export function nodeOfKey(key: ReservationKey): string {
  return key.slice(4, 12)
}

/** As sg_persist prints it. */
export function formatKey(key: ReservationKey): string {
  return `0x${key}`
}

/** Write exclusive, registrants only (SPC-4 table 34): all may read, only those that are registered may write. */
export const WRITE_EXCLUSIVE_REGISTRANTS_ONLY = 5

/** Who has a reservation. */
export interface ReservationHolder {
  readonly key: ReservationKey
  /** {@link WRITE_EXCLUSIVE_REGISTRANTS_ONLY}, or another of SPC-4 table 34. */
  readonly type: number
}

/** Registrations and reservation of a volume, as the target tells them now. */
export interface Reservations {
  /** One for each registration; one key may occur several times, once for each session of its node. */
  readonly keys: readonly ReservationKey[]
  readonly holder: ReservationHolder | null
}

/** One registration in full. */
export interface Registrant {
  readonly key: ReservationKey
  readonly isHolder: boolean
  /** The initiator's iSCSI name; null where the target tells it in no form that is understood. */
  readonly initiator: string | null
}

/** What the target can do (REPORT CAPABILITIES). */
export interface ReservationCapabilities {
  /** It can keep registrations over a loss of power (PTPL_C). */
  readonly canPersist: boolean
}

/**
 * What this node has registered at the target for a volume. Kept in the volume's record as `fence`: records on disk have that
 * name, and so have the fields of other types that pass it on.
 */
export interface Registration {
  readonly key: ReservationKey
  /** The target keeps it over its own restart (APTPL was accepted): when it is gone, someone removed it. */
  readonly persists: boolean
  /** A detach is giving it back, and everything is written: that it is gone then is as it should be. */
  readonly isReleasing?: boolean | undefined
}
