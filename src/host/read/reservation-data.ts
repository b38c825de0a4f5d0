import type {
  Registrant,
  ReservationCapabilities,
  ReservationHolder,
  ReservationKey,
} from '../../model/reservation.ts'
import { parseKey } from '../../model/reservation.ts'

/** The list in the data of a PERSISTENT RESERVE IN command comes after a generation and a length. */
const HEADER = 8
const KEY = 8

/** READ KEYS, SPC-4 section 6.15.2. */
export function keysOf(data: Uint8Array): ReservationKey[] {
  const list = listOf(data)
  return Array.from({ length: Math.floor(list.length / KEY) }, (_, index) => keyAt(list, index * KEY))
}

/** How often keys have been registered or removed, modulo 2^32: in the answers to READ KEYS and READ RESERVATION. */
export function generationOf(data: Uint8Array): number {
  return data.length < HEADER ? 0 : Buffer.from(data).readUInt32BE(0)
}

/** READ RESERVATION, SPC-4 section 6.15.3; null if there is none. */
export function reservationHolder(data: Uint8Array): ReservationHolder | null {
  const list = listOf(data)
  return list.length < 16 ? null : { key: keyAt(list, 0), type: list[13]! & 0x0f }
}

/** REPORT CAPABILITIES, SPC-4 section 6.15.4. */
export function capabilitiesOf(data: Uint8Array): ReservationCapabilities {
  return { canPersist: ((data[2] ?? 0) & 1) === 1 }
}

/** Bytes of the fixed part of a full status descriptor (SPC-4 table 244). */
const DESCRIPTOR = 24

/** READ FULL STATUS, SPC-4 section 6.15.5. */
export function registrantsOf(data: Uint8Array): Registrant[] {
  const list = listOf(data)
  const found: Registrant[] = []
  for (let at = 0; at + DESCRIPTOR <= list.length;) {
    const length = list.readUInt32BE(at + 20)
    const id = list.subarray(at + DESCRIPTOR, at + DESCRIPTOR + length)
    found.push({ key: keyAt(list, at), isHolder: (list[at + 12]! & 1) === 1, initiator: initiatorOf(id) })
    at += DESCRIPTOR + length
  }
  return found
}

/** An iSCSI transport id: protocol 5, a length, then `name` or `name,i,0xISID`, padded with zeros (SPC-4 section 7.6.4.6). */
function initiatorOf(id: Buffer): string | null {
  if ((id[0] ?? 0) % 16 !== 5 || id.length < 4) return null
  const text = id
    .subarray(4, 4 + id.readUInt16BE(2))
    .toString('utf8')
    .replace(/\0.*$/s, '')
  return text.split(',i,')[0] || null
}

function listOf(data: Uint8Array): Buffer {
  const buffer = Buffer.from(data)
  if (buffer.length < HEADER) return Buffer.alloc(0)
  return buffer.subarray(HEADER, HEADER + buffer.readUInt32BE(4))
}

function keyAt(list: Buffer, at: number): ReservationKey {
  return parseKey(list.subarray(at, at + KEY).toString('hex'))
}
