import type { Lun } from '../../../model/lun.ts'
import type { Wwid } from '../../../model/wwid.ts'
import { announcedLength, serialOf, wwidOf } from '../../read/vpd.ts'
import type { IscsiConnection } from './connection.ts'
import { withConnection, type ConnectionOptions } from './connection.ts'

/** The identity of one LUN of a target, as reported by the target. */
export interface SeenLun {
  readonly lun: Lun
  readonly wwid: Wwid | null
  readonly serial: string | null
}

/** Maximum number of LUNs of a target; a longer list is cut. */
const MAX_LUNS = 1024
const LIST_BYTES = 8 + 8 * MAX_LUNS
const SHORT_PAGE_BYTES = 255
/** LUN 0, the well-known address for the list even if there is no LUN 0 (SPC-4, 4.6.4). */
const ANY = Buffer.alloc(8)

/**
 * All LUNs that a target presents to this node and the identity of each, read over our own connection: the kernel
 * creates no disk.
 * @throws PORTAL_… TARGET_AWAY LOGIN_FAILED CHAP_FAILED CANCELLED
 */
export function listLuns(who: ConnectionOptions): Promise<SeenLun[]> {
  return withConnection(who, readLuns)
}

/** In a conversation that has logged in. @returns empty if the target does not list its LUNs */
export async function readLuns(talk: IscsiConnection): Promise<SeenLun[]> {
  const seen: SeenLun[] = []
  for (const wire of await reportLuns(talk)) {
    const lun = numberOf(wire)
    if (lun === null) continue
    const [page83, page80] = [await vitalPage(talk, wire, 0x83), await vitalPage(talk, wire, 0x80)]
    seen.push({ lun, wwid: page83 && wwidOf(page83), serial: page80 && serialOf(page80) })
  }
  return seen
}

/** REPORT LUNS (SPC-4, 6.33): the length of the list, and eight bytes for each. */
async function reportLuns(talk: IscsiConnection): Promise<Buffer[]> {
  const block = [0xa0, 0, 0, 0, 0, 0, ...bytesOf(LIST_BYTES), 0, 0]
  const list = await talk.read(ANY, block, LIST_BYTES)
  if (!list || list.length < 8) return []
  const end = Math.min(8 + list.readUInt32BE(0), list.length)
  const luns: Buffer[] = []
  for (let at = 8; at + 8 <= end; at += 8) luns.push(list.subarray(at, at + 8))
  return luns
}

function bytesOf(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
}

/** INQUIRY with a page code (SPC-4, 6.6.1). A long page is read again with the length that it announces. */
async function vitalPage(talk: IscsiConnection, lun: Buffer, page: number): Promise<Buffer | null> {
  const read = (length: number) => talk.read(lun, [0x12, 1, page, length >> 8, length & 0xff, 0], length)
  const short = await read(SHORT_PAGE_BYTES)
  const length = short ? announcedLength(short) : 0
  return short && length > short.length ? ((await read(length)) ?? short) : short
}

/** As the kernel numbers it (drivers/scsi/scsi_common.c:scsilun_to_int); null for one with several levels. */
function numberOf(wire: Buffer): Lun | null {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sixteen bits are a LUN
  return wire.subarray(2).every((byte) => byte === 0) ? (wire.readUInt16BE(0) as Lun) : null
}
