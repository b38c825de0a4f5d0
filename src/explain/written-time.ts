/** A time as a line has it. */
export type Written =
  /** Milliseconds since 1970, of a wall clock whose zone is known or (not `zoned`) unknown. */
  | { readonly kind: 'date'; readonly ms: number; readonly zoned: boolean }
  /** Syslog's: no year. `ms` since midnight. */
  | { readonly kind: 'yearless'; readonly month: number; readonly day: number; readonly ms: number }

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:([.,])(\d{1,9}))?(Z|[+-]\d\d:?\d\d)? /
const SYSLOG = /^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? /
const FULL =
  /^[A-Z][a-z]{2} (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? ([A-Z+-][\w+:-]{0,9}) /
const UNIX = /^(\d{9,11})\.(\d{1,9}) /
const CTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})$/

/** The time that a line begins with, and what follows it. `hostless`: dmesg's, no host follows. */
export function writtenTime(line: string): { time: Written; rest: string; hostless: boolean } | null {
  const first = line.charCodeAt(0)
  // A letter or a digit: most lines that are nothing else leave here.
  if (first >= 65 && first <= 90) return yearless(line) ?? full(line)
  if (first < 48 || first > 57) return null
  const iso = ISO.exec(line)
  if (iso) {
    const [all, , , , , , , point, , zone] = iso
    const local = utc(iso.slice(1, 7), iso[8])
    if (local === null) return null
    const time: Written = { kind: 'date', ms: local - offset(zone), zoned: zone !== undefined }
    return { time, rest: line.slice(all.length), hostless: point === ',' }
  }
  const unix = UNIX.exec(line)
  if (!unix) return null
  const ms = Number(unix[1]) * 1000 + fraction(unix[2])
  return { time: { kind: 'date', ms, zoned: true }, rest: line.slice(unix[0].length), hostless: false }
}

/** dmesg -T: Mon Aug 28 18:13:29 2023. */
export function ctime(text: string): Written | null {
  const parts = CTIME.exec(text)
  if (!parts) return null
  const [, month, day, hour, minute, second, year] = parts
  const ms = utc([year, String(MONTHS.indexOf(month!) + 1), day, hour, minute, second], undefined)
  return ms === null ? null : { kind: 'date', ms, zoned: false }
}

function yearless(line: string) {
  const parts = SYSLOG.exec(line)
  if (!parts) return null
  const month = MONTHS.indexOf(parts[1]!)
  const [day, hour, minute, second] = parts.slice(2, 6).map(Number) as [number, number, number, number]
  if (month === -1 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return null
  const ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction(parts[6])
  const time: Written = { kind: 'yearless', month, day, ms }
  return { time, rest: line.slice(parts[0].length), hostless: false }
}

function full(line: string) {
  const parts = FULL.exec(line)
  if (!parts) return null
  const ms = utc(parts.slice(1, 7), parts[7])
  // Other abbreviations than UTC name no zone for certain.
  const zoned = parts[8] === 'UTC' || parts[8] === 'GMT'
  if (ms === null) return null
  return { time: { kind: 'date', ms, zoned } as Written, rest: line.slice(parts[0].length), hostless: false }
}

function utc(parts: readonly (string | undefined)[], decimals: string | undefined): number | null {
  const [year, month, day, hour, minute, second] = parts.map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour <= 23 && minute <= 59 && second <= 60))
    return null
  return Date.UTC(year, month - 1, day, hour, minute, second) + fraction(decimals)
}

function fraction(decimals: string | undefined): number {
  return decimals === undefined ? 0 : Math.floor(Number(`0.${decimals}`) * 1000)
}

function offset(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}
