import type { Months } from './months.ts'

/** A timestamp as written in a line. */
export type Written =
  /** Milliseconds since 1970. `zoned`: the time zone is known; otherwise the time is taken for UTC. */
  | { readonly kind: 'date'; readonly ms: number; readonly zoned: boolean }
  /** Syslog's format, without a year. `ms` since midnight. */
  | { readonly kind: 'yearless'; readonly month: number; readonly day: number; readonly ms: number }

/** A parsed time. `hasNoHost`: the format is dmesg's, which has no host after the time. */
export interface Dated {
  readonly time: Written
  readonly rest: string
  readonly hasNoHost: boolean
}

const ISO =
  /^(\d{4})([-/])(\d\d)\2(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:([.,])(\d{1,9}))? ?(Z|UTC|GMT|[+-]\d\d:?\d\d)?(?:[ \t|]\s*|$)/
/** `%b %e %T` in any locale. Some daemons write the year before the month or after the day. */
const SYSLOG =
  /^(?:(\d{4}) )?([^:[\]{}"=<>,]{1,24}?) {0,2}[ \u00a0](\d{1,2}) (?:(\d{4}) )?(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?:? /
const WEEKDAY_ISO =
  /^\S{1,14} (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))? ([A-Z+-][\w+:/-]{0,30})(?: |$)/
const UNIX_TIME = /^(\d{9,11})\.(\d{1,9})(?: |$)/
const LOGREAD =
  /^(\S{1,14} \S{1,14} {1,2}\d{1,2} \d\d:\d\d:\d\d \d{4}) (?:\[\d{9,12}\.\d{1,6}\] )?(?:[a-z0-9]{2,8}\.[a-z]{3,7} )?/
/** klog: I0118 04:30:10.123456. */
const KLOG = /^[IWEF](\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{1,9}) +/

/** Parses the time that a line starts with; null if it starts with none. */
export function writtenTime(line: string, months: Months): Dated | null {
  const first = line.charCodeAt(0)
  if (first >= 48 && first <= 57) {
    const dated = iso(line) ?? unixTime(line)
    if (dated) return dated
  }
  return yearless(line, months) ?? weekdayIso(line) ?? klog(line) ?? logread(line, months)
}

/**
 * Parses the format of OpenWrt's logread, which has no host: `Tue Apr 29 07:08:24 2025 [1745896104.164] kern.info
 * kernel: `.
 */
function logread(line: string, months: Months): Dated | null {
  const parts = LOGREAD.exec(line)
  const time = parts && ctime(parts[1]!, months)
  return time && { time, rest: line.slice(parts[0].length), hasNoHost: false }
}

/**
 * Parses a date in words, in any language: `Mon Aug 28 18:13:29 2023` of dmesg -T. Translations of dmesg may reorder the
 * parts (sys-utils/dmesg.c:record_ctime), so each part is recognized by its form.
 */
export function ctime(text: string, months: Months): Written | null {
  const clock = /(?:^|\s)(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?=\s|$)/.exec(text)
  const year = /(?:^|\s)(\d{4})(?=[\s年년.,]|$)/u.exec(text)
  if (!clock || !year) return null
  const rest = text
    .replace(clock[0], ' ')
    .replace(year[0], ' ')
    .replace(/[年년日일,]/gu, ' ')
    .trim()
    .split(/\s+/)
  const numbers = rest.filter((word) => /^\d{1,2}\.?$/.test(word))
  const words = rest.filter((word) => !/^\d{1,2}\.?$/.test(word))
  const date = monthAndDay(words, numbers, Number(year[1]), months)
  if (!date) return null
  const ms = utcMs([year[1], String(date.month + 1), date.day, clock[1], clock[2], clock[3]], clock[4])
  return ms === null ? null : { kind: 'date', ms, zoned: false }
}

function monthAndDay(
  words: readonly string[],
  numbers: readonly string[],
  year: number,
  months: Months,
): { month: number; day: string } | null {
  const [number, second] = numbers
  if (number === undefined || words.length === 0) return null
  const day = number.replace('.', '')
  const read = (word: string, weekday: string | undefined) =>
    months.read(word, weekday === undefined ? undefined : { name: weekday, year, day: Number(day) })
  // In most locales the weekday comes first, and it can look like a month: "mar. mars" (Tuesday, March). Some names
  // have several words.
  for (let first = 1; first < words.length; first++) {
    const month = read(words.slice(first).join(' '), words.slice(0, first).join(' '))
    if (month !== null) return { month, day }
  }
  for (const word of words.toReversed()) {
    const month = read(
      word,
      words.find((other) => other !== word),
    )
    if (month !== null) return { month, day }
  }
  // Vietnamese months are numbered (Thg 1): the number is part of the name.
  const named = second === undefined ? null : months.read(`${words.at(-1)} ${number}`)
  return named === null ? null : { month: named, day: second!.replace('.', '') }
}

function iso(line: string): Dated | null {
  const parts = ISO.exec(line)
  if (!parts) return null
  const zone = parts[10]
  const local = utcMs([parts[1], parts[3], parts[4], parts[5], parts[6], parts[7]], parts[9])
  if (local === null) return null
  const time: Written = { kind: 'date', ms: local - offsetMs(zone), zoned: zone !== undefined }
  return {
    time,
    rest: line.slice(parts[0].length),
    hasNoHost: parts[8] === ',' && zone !== undefined,
  }
}

function unixTime(line: string): Dated | null {
  const parts = UNIX_TIME.exec(line)
  if (!parts) return null
  const ms = Number(parts[1]) * 1000 + fractionMs(parts[2])
  return { time: { kind: 'date', ms, zoned: true }, rest: line.slice(parts[0].length), hasNoHost: false }
}

function yearless(line: string, months: Months): Dated | null {
  const parts = SYSLOG.exec(line)
  if (!parts) return null
  const [all, yearBefore, word, day, yearAfter, hour, minute, second, fraction] = parts
  const year = yearBefore ?? yearAfter
  const month = months.read(word!)
  if (month === null) return null
  const rest = line.slice(all.length)
  const at = utcMs([year ?? '2024', String(month + 1), day, hour, minute, second], fraction)
  if (at === null) return null
  if (year !== undefined) return { time: { kind: 'date', ms: at, zoned: false }, rest, hasNoHost: false }
  const ms = at - Date.UTC(2024, month, Number(day))
  return { time: { kind: 'yearless', month, day: Number(day), ms }, rest, hasNoHost: false }
}

function klog(line: string): Dated | null {
  const parts = KLOG.exec(line)
  if (!parts) return null
  const [all, month, day, hour, minute, second, fraction] = parts
  const at = utcMs(['2024', month, day, hour, minute, second], fraction)
  if (at === null) return null
  const ms = at - Date.UTC(2024, Number(month) - 1, Number(day))
  const time: Written = { kind: 'yearless', month: Number(month) - 1, day: Number(day), ms }
  return { time, rest: line.slice(all.length), hasNoHost: false }
}

function weekdayIso(line: string): Dated | null {
  const parts = WEEKDAY_ISO.exec(line)
  if (!parts) return null
  const ms = utcMs(parts.slice(1, 7), parts[7])
  if (ms === null) return null
  const zone = parts[8]!
  const numeric = /^[+-]\d\d(?::?\d\d)?$/.test(zone) ? offsetMs(zone.length === 3 ? `${zone}00` : zone) : null
  // Abbreviations other than UTC and GMT are ambiguous.
  const zoned = numeric !== null || zone === 'UTC' || zone === 'GMT'
  return {
    time: { kind: 'date', ms: ms - (numeric ?? 0), zoned },
    rest: line.slice(parts[0].length),
    hasNoHost: false,
  }
}

function utcMs(parts: readonly (string | undefined)[], fraction: string | undefined): number | null {
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
  return Date.UTC(year, month - 1, day, hour, minute, second) + fractionMs(fraction)
}

function fractionMs(fraction: string | undefined): number {
  return fraction === undefined ? 0 : Math.floor(Number(`0.${fraction}`) * 1000)
}

function offsetMs(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z' || zone === 'UTC' || zone === 'GMT') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}
