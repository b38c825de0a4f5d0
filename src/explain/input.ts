import { replaceUnprintable } from './unprintable.ts'
import type { SystemLogEntry } from './envelope/entry.ts'
import { fieldsLayer, pairLayer } from './envelope/json.ts'
import { openMonths } from './envelope/months.ts'
import { isRecord } from './envelope/nested-fields.ts'
import { openEntry, readEntry } from './envelope/read-entry.ts'
import type { Event } from './message/event.ts'
import { readMessage } from './message/read-message.ts'
import { openOrder } from './order.ts'
import { openReader } from './read/open-reader.ts'
import type { LogInput, UnreadLine } from './report.ts'
import type { LogClock } from './analysis/clock.ts'
import type { LogMoment } from './analysis/moment.ts'
import { secondsBetween, spanOf } from './analysis/moment.ts'

/** An event of a log, with its host, boot and time. */
export interface LogEvent {
  readonly host: string | null
  readonly boot: string | null
  readonly event: Event
  readonly now: LogMoment
}

/** One log while it is being read. */
export interface InputReader {
  feed(bytes: Buffer): void
  end(): void
  /** Events since the last call, in the order of the log. */
  take(): LogEvent[]
  /** No line has a time, except dmesg -H's time since the previous line. */
  readonly hasOnlyDeltas: boolean
  report(name: string, problem: string | null): LogInput
  span(): { first: LogMoment | null; last: LogMoment | null }
}

const DELTA_ONLY = /^\[ +\+\d+[.,]\d+\] /
/** journalctl's separator between two boots: `-- Boot 5e1c… --`, up to 2021 `-- Reboot --`. */
const BOOT_MARKER = /^-- (?:Boot ([0-9a-f]{32})|Reboot) --$/
/** Phrases that only the kernel and iscsid use, about a session. */
const SESSION_PHRASE =
  /detected conn error \(\d|session recovery timed out after|Kernel reported iSCSI connection|is operational after recovery|ping timeout of \d/
/** Events without a time are kept until it is known that no line has one. */
const MAX_UNTIMED = 10_000
const MAX_SHOWN = 200

export function openInput(clock: LogClock): InputReader {
  const months = openMonths()
  const order = openOrder()
  let ended = false
  let untimed: LogEvent[] = []
  let understood = false
  let hasOnlyDeltas = false
  let boot: string | null = null
  let reboots = 0
  let first: LogMoment | null = null
  let last: LogMoment | null = null
  let firstUnread: UnreadLine | null = null
  let firstMissed: string | null = null
  let missedLines = 0
  let lines = 0

  /** Whether the entry has a time, so that the format of the log is known. */
  function hasTime(entry: SystemLogEntry): boolean {
    if (entry.time === null && entry.uptime === null) return false
    understood = true
    return true
  }

  function noteTime(entry: SystemLogEntry): void {
    const now = clock.read(entry.time, entry.uptime)
    first ??= now
    last = now
  }

  function addEvent(entry: SystemLogEntry): void {
    const event = readMessage(entry)
    if (event)
      order.add({
        host: entry.host,
        boot: entry.boot ?? boot,
        event,
        now: clock.read(entry.time, entry.uptime),
      })
  }

  function addUnparsed(text: string): void {
    if (SESSION_PHRASE.test(text)) {
      missedLines++
      firstMissed ??= excerpt(text)
    }
    const event =
      untimed.length < MAX_UNTIMED
        ? readMessage({ ...NO_METADATA, ...splitProgram(replaceUnprintable(text.trim())) })
        : null
    if (event) untimed.push({ host: null, boot, event, now: clock.read(null, null) })
  }

  /** In order of time, because some logs start with the newest line. */
  function chronologicalSpan(): { first: LogMoment | null; last: LogMoment | null } {
    const backwards = first !== null && last !== null && (secondsBetween(first, last) ?? 0) < 0
    return backwards ? { first: last, last: first } : { first, last }
  }

  const reader = openReader({
    sample(text, number) {
      if (DELTA_ONLY.test(text)) hasOnlyDeltas = true
      const entry = readEntry(text, months)
      if (entry && hasTime(entry)) {
        noteTime(entry)
        return true
      }
      if (number > 0 && text.trim() !== '' && !BOOT_MARKER.test(text))
        firstUnread ??= { number, text: excerpt(text) }
      return false
    },
    line(text) {
      const marker = BOOT_MARKER.exec(text)
      if (marker) {
        boot = marker[1] ?? `reboot ${++reboots}`
        return
      }
      if (DELTA_ONLY.test(text)) hasOnlyDeltas = true
      const entry = readEntry(text, months)
      if (entry && hasTime(entry)) addEvent(entry)
      else addUnparsed(text)
    },
    record(value, labels) {
      const entry = entryOf(value, labels)
      if (!entry) return
      if (!hasTime(entry)) return
      noteTime(entry)
      addEvent(entry)
    },
  })

  function entryOf(value: unknown, labels: unknown): SystemLogEntry | null {
    const layer = Array.isArray(value)
      ? pairLayer(value, months)
      : isRecord(value)
        ? fieldsLayer(value.__date === undefined ? value : { ...value, date: value.__date }, months)
        : null
    if (!layer) return null
    const labelFields = isRecord(labels) ? fieldsLayer({ ...labels, message: '-' }, months) : null
    return openEntry(
      {
        ...layer,
        host: layer.host ?? labelFields?.host ?? null,
        program: layer.program ?? labelFields?.program ?? null,
      },
      months,
    )
  }

  return {
    feed: (bytes) => reader.feed(bytes),
    end() {
      lines = reader.end()
      ended = true
      // The log has messages only: journalctl -o cat, dmesg -t, `iscsid -f 2>file`.
      if (understood || untimed.length === 0) return
      understood = true
      missedLines = 0
      for (const event of untimed) order.add(event)
      untimed = []
    },
    take: () => order.take(ended),
    get hasOnlyDeltas() {
      return hasOnlyDeltas && first === null
    },
    span: chronologicalSpan,
    report: (name, problem) => ({
      name,
      lines,
      understood,
      firstUnread: understood
        ? firstMissed === null
          ? null
          : { number: null, text: firstMissed }
        : firstUnread,
      missed: missedLines,
      problem,
      span: spanOf(chronologicalSpan()),
    }),
  }
}

function excerpt(text: string): string {
  return replaceUnprintable(text.trim()).slice(0, MAX_SHOWN)
}

const NO_METADATA = { time: null, uptime: null, host: null, boot: null } as const

/** Splits `iscsid: message`. The program is null if the line does not name a known one. */
function splitProgram(text: string): { program: string | null; message: string } {
  const tag = /^(kernel|iscsid|multipathd|tgtd)(?:\[\d{1,10}\])?: +/.exec(text)
  return tag ? { program: tag[1]!, message: text.slice(tag[0].length) } : { program: null, message: text }
}
