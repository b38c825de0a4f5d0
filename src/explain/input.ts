import { clean } from './clean.ts'
import type { Entry } from './envelope/entry.ts'
import { fieldsLayer, pairLayer } from './envelope/json.ts'
import { openMonths } from './envelope/months.ts'
import { isRecord } from './envelope/nested-fields.ts'
import { openEntry, readEntry } from './envelope/read-entry.ts'
import type { Event } from './message/event.ts'
import { readMessage } from './message/read-message.ts'
import { openOrder } from './order.ts'
import { openReader } from './read/open-reader.ts'
import type { LogInput, UnreadLine } from './report.ts'
import type { Clock } from './story/clock.ts'
import type { Moment } from './story/moment.ts'
import { secondsBetween, spanOf } from './story/moment.ts'

/** The contents of a log at one moment. */
export interface Told {
  readonly host: string | null
  readonly boot: string | null
  readonly event: Event
  readonly now: Moment
}

/** One log while it is read. */
export interface Input {
  feed(bytes: Buffer): void
  end(): void
  /** Events since the last call, in the order of the log. */
  take(): Told[]
  /** Its lines have no times, except dmesg -H's time since the line before, which is usually not needed. */
  readonly timeless: boolean
  report(name: string, problem: string | null): LogInput
  span(): { first: Moment | null; last: Moment | null }
}

const SINCE_LAST = /^\[ +\+\d+[.,]\d+\] /
/** journalctl's separator between two boots: `-- Boot 5e1c… --`, up to 2021 `-- Reboot --`. */
const BOOT = /^-- (?:Boot ([0-9a-f]{32})|Reboot) --$/
/** Phrases that only a kernel or iscsid uses about a session. */
const OF_A_SESSION =
  /detected conn error \(\d|session recovery timed out after|Kernel reported iSCSI connection|is operational after recovery|ping timeout of \d/
/** Lines without any time are buffered until it is known that no line has one. */
const MOST_BARE = 10_000
const LONGEST_SHOWN = 200

export function openInput(clock: Clock): Input {
  const months = openMonths()
  const order = openOrder()
  let ended = false
  let bare: Told[] = []
  let understood = false
  let timeless = false
  let boot: string | null = null
  let reboots = 0
  let first: Moment | null = null
  let last: Moment | null = null
  let firstUnread: UnreadLine | null = null
  let missed: string | null = null
  let missedLines = 0
  let lines = 0

  function take(entry: Entry): boolean {
    if (entry.time === null && entry.uptime === null) return false
    understood = true
    return true
  }

  function passed(entry: Entry): Moment {
    const now = clock.read(entry.time, entry.uptime)
    first ??= now
    last = now
    return now
  }

  function tell(entry: Entry): void {
    const event = readMessage(entry)
    if (event)
      order.add({
        host: entry.host,
        boot: entry.boot ?? boot,
        event,
        now: clock.read(entry.time, entry.uptime),
      })
  }

  function miss(text: string): void {
    if (OF_A_SESSION.test(text)) {
      missedLines++
      missed ??= shown(text)
    }
    const event =
      bare.length < MOST_BARE ? readMessage({ ...NOTHING, ...untagged(clean(text.trim())) }) : null
    if (event) bare.push({ host: null, boot, event, now: clock.read(null, null) })
  }

  /** Some logs start with the latest line. */
  function ordered(): { first: Moment | null; last: Moment | null } {
    const backwards = first !== null && last !== null && (secondsBetween(first, last) ?? 0) < 0
    return backwards ? { first: last, last: first } : { first, last }
  }

  const reader = openReader({
    sample(text, number) {
      if (SINCE_LAST.test(text)) timeless = true
      const entry = readEntry(text, months)
      if (entry && take(entry)) {
        passed(entry)
        return true
      }
      if (number > 0 && text.trim() !== '' && !BOOT.test(text)) firstUnread ??= { number, text: shown(text) }
      return false
    },
    line(text) {
      const marker = BOOT.exec(text)
      if (marker) {
        boot = marker[1] ?? `reboot ${++reboots}`
        return
      }
      if (SINCE_LAST.test(text)) timeless = true
      const entry = readEntry(text, months)
      if (entry && take(entry)) tell(entry)
      else miss(text)
    },
    record(value, labels) {
      const entry = entryOf(value, labels)
      if (!entry) return
      if (take(entry)) passed(entry)
      else return
      tell(entry)
    },
  })

  function entryOf(value: unknown, labels: unknown): Entry | null {
    const layer = Array.isArray(value)
      ? pairLayer(value, months)
      : isRecord(value)
        ? fieldsLayer(value.__date === undefined ? value : { ...value, date: value.__date }, months)
        : null
    if (!layer) return null
    const around = isRecord(labels) ? fieldsLayer({ ...labels, message: '-' }, months) : null
    return openEntry(
      {
        ...layer,
        host: layer.host ?? around?.host ?? null,
        program: layer.program ?? around?.program ?? null,
      },
      months,
    )
  }

  return {
    feed: (bytes) => reader.feed(bytes),
    end() {
      lines = reader.end()
      ended = true
      // Messages only: journalctl -o cat, dmesg -t, `iscsid -f 2>file`.
      if (understood || bare.length === 0) return
      understood = true
      missedLines = 0
      for (const told of bare) order.add(told)
      bare = []
    },
    take: () => order.take(ended),
    get timeless() {
      return timeless && first === null
    },
    span: ordered,
    report: (name, problem) => ({
      name,
      lines,
      understood,
      firstUnread: understood ? (missed === null ? null : { number: null, text: missed }) : firstUnread,
      missed: missedLines,
      problem,
      span: spanOf(ordered()),
    }),
  }
}

function shown(text: string): string {
  return clean(text.trim()).slice(0, LONGEST_SHOWN)
}

const NOTHING = { time: null, uptime: null, host: null, boot: null } as const

/** A message preceded only by its program, if anything. */
function untagged(text: string): { program: string | null; message: string } {
  const tag = /^(kernel|iscsid|multipathd|tgtd)(?:\[\d{1,10}\])?: +/.exec(text)
  return tag ? { program: tag[1]!, message: text.slice(tag[0].length) } : { program: null, message: text }
}
