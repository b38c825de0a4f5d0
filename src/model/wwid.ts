import type { Branded } from './brand.ts'
import { LunkeeperError } from './errors.ts'

/** A volume's worldwide name in the kernel's form: naa.HEX, eui.HEX, t10.TEXT or a SCSI name string. */
export type Wwid = Branded<string, 'Wwid'>

const NAA = /^naa\.(?:[235][0-9a-f]{15}|6[0-9a-f]{31})$/
const EUI = /^eui\.(?:[0-9a-f]{16}|[0-9a-f]{24}|[0-9a-f]{32})$/

/**
 * Accepts the forms that tools print for the same name: the kernel's (`naa.6…`), udev's and multipath's (`36…` for NAA,
 * `2…` for EUI-64, `1…` for T10), by-id links (`wwn-0x6…`, `scsi-36…`).
 * @throws BAD_WWID
 */
export function parseWwid(text: string): Wwid {
  const trimmed = text.trim().replace(/^\/dev\/disk\/by-id\//, '')
  const found =
    kernelForm(trimmed) ?? kernelForm(trimmed.replace(/^(?:dm-uuid-mpath-|mpath-|scsi-|wwn-)/, ''))
  if (!found) throw new LunkeeperError('BAD_WWID', `"${text}" is not a WWID`)
  return found
}

function kernelForm(text: string): Wwid | null {
  const lower = text.toLowerCase()
  if (NAA.test(lower) || EUI.test(lower)) return lower as Wwid
  if (/^t10\.\S/i.test(text)) return namedT10(text)
  if (/^(?:iqn|eui|naa)\..*,(?:l|t),0x/i.test(text)) return text as Wwid
  const hex = lower.replace(/^0x/, '')
  if (hex !== lower || /^[235][0-9a-f]{15}$|^6[0-9a-f]{31}$/.test(hex)) {
    const naa = `naa.${hex}`
    return NAA.test(naa) ? (naa as Wwid) : null
  }
  // udev's scsi_id and multipath print the designator's type digit first.
  if (lower.startsWith('3') && NAA.test(`naa.${lower.slice(1)}`)) return `naa.${lower.slice(1)}` as Wwid
  if (lower.startsWith('2') && EUI.test(`eui.${lower.slice(1)}`)) return `eui.${lower.slice(1)}` as Wwid
  // Digits alone are a number that has lost its prefix, not a vendor's name.
  const t10 = /^1(?![0-9a-f]*$)(\S.*)$/i.exec(text)?.[1]
  return t10 ? namedT10(`t10.${t10}`) : null
}

/** Null if it contains only blanks. */
function namedT10(text: string): Wwid | null {
  const name = normaliseT10(text)
  return name === 't10.' ? null : (name as Wwid)
}

// T10 names are padded with blanks, which udev turns into underscores and tools collapse.
function normaliseT10(text: string): string {
  return `t10.${text
    .slice(4)
    .replace(/[\s_]+/g, '_')
    .replace(/_$/, '')}`
}

/** Whether the names are the same, whatever form each was printed in. */
export function sameWwid(a: Wwid, b: Wwid): boolean {
  const form = (wwid: Wwid) => (wwid.startsWith('t10.') ? normaliseT10(wwid) : wwid.toLowerCase())
  return form(a) === form(b)
}
