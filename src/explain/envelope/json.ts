import type { Layer } from './entry.ts'
import { programOf } from './entry.ts'
import { isRecord, nestedFields } from './nested-fields.ts'
import type { Months } from './months.ts'
import type { Written } from './written-time.ts'
import { ctime, writtenTime } from './written-time.ts'

// Names of fields, the most reliable first: journald, then Elastic, Loki, Vector, Fluent Bit, Docker, Talos, cloud
// loggers.
const MESSAGE_FIELDS = [
  'MESSAGE',
  'message',
  'msg',
  'log',
  'line',
  '@message',
  'textPayload',
  'short_message',
  'text',
  'body',
  'stringValue',
  'content',
  'event.original',
  '_raw',
]
const TIME_FIELDS = [
  '__REALTIME_TIMESTAMP',
  '_SOURCE_REALTIME_TIMESTAMP',
  '@timestamp',
  'talos-time',
  'timestamp',
  'time',
  'ts',
  'timeUnixNano',
  'observedTimeUnixNano',
  'datetime',
  'date',
  '_time',
  '@t',
]
const HOST_FIELDS = [
  '_HOSTNAME',
  'hostname',
  'host.hostname',
  'host.name',
  'host',
  'node_name',
  'nodename',
  'node',
  'source_host',
  'instance',
  'computer',
]
const PROGRAM_FIELDS = [
  'SYSLOG_IDENTIFIER',
  'log.syslog.appname',
  'syslog.identifier',
  'identifier',
  'ident',
  'appname',
  'app_name',
  'program',
  'syslogtag',
  'process.name',
  '_COMM',
  'talos-service',
  '_SYSTEMD_UNIT',
  'systemd.unit',
  'unit',
]
/** Fields whose value `kern` or `kernel` marks a kernel message. */
const TRANSPORT_FIELDS = ['_TRANSPORT', 'systemd.transport', 'transport', 'facility', 'fac']
const UPTIME_FIELDS = ['_SOURCE_MONOTONIC_TIMESTAMP', '__MONOTONIC_TIMESTAMP']

/** Parses a line of JSON: a journal entry, or a message wrapped by a log collector. Null if it is neither. */
export function jsonLayer(text: string, months: Months): Layer | null {
  const value = parseJson(text)
  if (Array.isArray(value)) return pairLayer(value, months)
  return isRecord(value) ? fieldsLayer(value, months) : null
}

/**
 * Parses Fluent Bit's [time, fields] and [[time, metadata], fields], and Loki's [time, line]; null for other arrays.
 */
export function pairLayer(value: readonly unknown[], months: Months): Layer | null {
  const stamp: unknown = Array.isArray(value[0]) ? value[0][0] : value[0]
  const time = timeOf(stamp, months)
  const inner = value[1]
  if (!time || 'uptime' in time) return null
  if (typeof inner === 'string') return { time: time.time, inner }
  const layer = isRecord(inner) ? fieldsLayer(inner, months) : null
  return layer && { ...layer, time: layer.time ?? time.time }
}

/** Reads a record of named fields. @returns null if none of them is a message */
export function fieldsLayer(record: Readonly<Record<string, unknown>>, months: Months): Layer | null {
  const fields = nestedFields(record)
  const first = (names: readonly string[]) => {
    for (const name of names) {
      const value = fields.get(name.toLowerCase())
      if (value !== undefined && value !== '') return String(value)
    }
    return null
  }
  const inner = first(MESSAGE_FIELDS)
  if (inner === null) return null
  const times = TIME_FIELDS.map((name) => timeOf(fields.get(name.toLowerCase()), months)).filter(
    (time) => time !== null,
  )
  const dated = times.find((time) => 'time' in time)
  const sinceBoot = times.find((time) => 'uptime' in time)
  const monotonic = first(UPTIME_FIELDS)
  const name = first(PROGRAM_FIELDS)
  const kernel = TRANSPORT_FIELDS.some((key) =>
    /^kern(?:el)?$/.test(String(fields.get(key.toLowerCase()) ?? '')),
  )
  // A record of dmesg -J names no program: it has a priority, a time since boot and a message.
  const dmesg = name === null && fields.has('msg') && fields.has('pri')
  return {
    time: dated?.time ?? null,
    uptime: monotonic === null ? (sinceBoot?.uptime ?? null) : Number(monotonic) / 1e6 || null,
    host: first(HOST_FIELDS),
    program:
      name !== null && !(kernel && name === 'unknown') ? programOf(name) : kernel || dmesg ? 'kernel' : null,
    boot: first(['_BOOT_ID', 'journald.host.boot_id', 'host.boot.id']),
    inner,
  }
}

type Time = { readonly time: Written } | { readonly uptime: number }

/**
 * The unit of a number follows from its magnitude: seconds since boot, or seconds, milli-, micro- or nanoseconds since
 * 1970.
 */
function timeOf(value: unknown, months: Months): Time | null {
  const text = typeof value === 'string' ? value.trim() : value
  const number =
    typeof text === 'number' ? text : typeof text === 'string' && DECIMAL.test(text) ? Number(text) : null
  if (number !== null) {
    if (!Number.isFinite(number) || number < 0) return null
    if (number < 1e8) return { uptime: number }
    const unit = number >= 1e17 ? 1e-6 : number >= 1e14 ? 1e-3 : number >= 1e11 ? 1 : 1e3
    return { time: { kind: 'date', ms: number * unit, zoned: true } }
  }
  if (typeof text !== 'string' || text.length > 80) return null
  const bare = text.replace(/^\[|\]$/g, '')
  const time = writtenTime(`${bare} `, months)?.time ?? ctime(bare, months)
  return time && { time }
}

const DECIMAL = /^\d{1,20}(?:\.\d{1,9})?$/

/**
 * Parses JSON, and the output of dmesg -J of util-linux 2.36 to 2.41, whose time is not quoted. Null if it is neither.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    if (!text.includes('"msg"')) return null
    try {
      return JSON.parse(
        text.replace(/"time":\s*(\[[^\]"]{1,80}\]|\d{4}-[^\s"]{10,60}?)\s*(?=,\s*")/, '"time":"$1"'),
      )
    } catch {
      // The line is truncated, or not JSON at all.
      return null
    }
  }
}
