import type { Wwid } from '../../model/wwid.ts'
import { parseWwid } from '../../model/wwid.ts'

/** The unit serial number of VPD page 80h (SPC-6 7.7.19); null if it is empty or not that page. */
export function serialOf(page80: Buffer): string | null {
  const body = bodyOf(page80, 0x80)
  // Targets pad it with blanks, some with zeros.
  const text = body?.toString('utf8').replaceAll('\0', ' ').trim()
  return text ? text : null
}

/**
 * The name in VPD page 83h that distinguishes this unit from all others. It is selected and formatted as in the kernel's
 * `wwid` attribute (drivers/scsi/scsi_lib.c:scsi_vpd_lun_id), malformed designators included, so that the answer to an
 * INQUIRY can be compared with the kernel's cache.
 */
export function wwidOf(page83: Buffer): Wwid | null {
  const body = bodyOf(page83, 0x83) ?? NOTHING
  let best: Designator = { rank: 0, size: 0, name: null }
  for (let at = 0, end; at + 4 <= body.length; at = end) {
    end = at + 4 + (body[at + 3] ?? 0)
    const next = end <= body.length ? designatorOf(body.subarray(at, end)) : null
    if (next && isPreferred(next, best)) best = { ...next, name: next.name ?? best.name }
  }
  return best.name === null ? null : wwidOrNull(best.name)
}

/** The kernel's text for a unit's name, in our form; null if it is not a valid name. */
export function wwidOrNull(text: string): Wwid | null {
  try {
    // A SCSI name string is padded with zeros to a multiple of 4 (SPC-6 7.7.6.11), in sysfs too.
    return parseWwid(text.replace(/\0+$/, ''))
  } catch {
    return null
  }
}

const HEADER = 4

/** The length in bytes that a VPD page announces for itself, header included; 0 if it has no header. */
export function announcedLength(page: Buffer): number {
  return page.length < HEADER ? 0 : HEADER + page.readUInt16BE(2)
}

const NOTHING = Buffer.alloc(0)

function bodyOf(page: Buffer, code: number): Buffer | null {
  if (page.length < HEADER || page[1] !== code) return null
  return page.subarray(HEADER, announcedLength(page))
}

interface Designator {
  readonly rank: number
  readonly size: number
  /** Null for a malformed designator of a kind that names the unit. */
  readonly name: string | null
  readonly isText?: boolean
}

// Of two with equal rank the later one wins, but a text only if it is not shorter than the current one.
function isPreferred(next: Designator, best: Designator): boolean {
  return next.rank >= best.rank && !(next.isText && next.size < best.size)
}

// Longer names collide less. NAA: registered extended, registered, extended, locally assigned.
const NAA_RANK: ReadonlyMap<number, number> = new Map([
  [6, 8],
  [5, 5],
  [4, 4],
  [3, 1],
])
const EUI_RANK: ReadonlyMap<number, number> = new Map([
  [16, 7],
  [12, 6],
  [8, 3],
])

function designatorOf(bytes: Buffer): Designator | null {
  const kind = bytes[1] ?? 0
  const id = bytes.subarray(4)
  const size = id.length
  // The association: 0 is the logical unit, 1 a port, 2 the target.
  if ((kind & 0x30) !== 0 || size === 0) return null
  switch (kind & 0x0f) {
    case 0x8:
      return { rank: 9, size, name: id.toString('utf8'), isText: true }
    case 0x3: {
      const rank = NAA_RANK.get((id[0] ?? 0) >> 4)
      const name = size === 8 || size === 16 ? `naa.${id.toString('hex')}` : null
      return rank === undefined ? null : { rank, size, name }
    }
    case 0x2: {
      const rank = EUI_RANK.get(size)
      return rank === undefined ? null : { rank, size, name: `eui.${id.toString('hex')}` }
    }
    case 0x1:
      return { rank: 1, size, name: `t10.${escaped(id)}`, isText: true }
    default:
      return null
  }
}

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x00, '\\0'],
  [0x07, '\\a'],
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0b, '\\v'],
  [0x0c, '\\f'],
  [0x0d, '\\r'],
  [0x1b, '\\e'],
])

// printk's %pE: characters not printable in Latin-1 are escaped (lib/string_helpers.c, lib/ctype.c).
function escaped(id: Buffer): string {
  const parts = Array.from(id, (byte) => {
    if ((byte >= 0x20 && byte <= 0x7e) || byte >= 0xa0) return Buffer.of(byte)
    return Buffer.from(ESCAPES.get(byte) ?? `\\${byte.toString(8).padStart(3, '0')}`)
  })
  return Buffer.concat(parts).toString('utf8')
}
