import { findWorth, openLines } from './lines.ts'
import type { Feed, Sink } from './sink.ts'

/** Of irrelevant records, one in this many is parsed to show the time. */
const SAMPLE = 64
/** A longer field is not relevant. */
const LONGEST = 64 << 10

/** The relevant fields (systemd.journal-fields(7)). */
const WANTED = new Set([
  'MESSAGE',
  'SYSLOG_IDENTIFIER',
  '__REALTIME_TIMESTAMP',
  '__MONOTONIC_TIMESTAMP',
  '_SOURCE_MONOTONIC_TIMESTAMP',
  '_SOURCE_REALTIME_TIMESTAMP',
  '_HOSTNAME',
  '_TRANSPORT',
  '_BOOT_ID',
  '_COMM',
  '_SYSTEMD_UNIT',
])

const VERBOSE = /^(\S.{10,60}?) \[s=[0-9a-f]{32};/
const FIELD = /^([A-Z_][A-Z0-9_]{0,63})=(.*)$/s

/** Whether a log starts like `journalctl -o export` or `-o verbose`. */
export function isJournalRecords(head: string): boolean {
  return /^__(?:CURSOR|REALTIME_TIMESTAMP)=/m.test(head) || /^\S.{10,60}? \[s=[0-9a-f]{32};/m.test(head)
}

/** Reads journald's records with one field per line; other text is read as lines. Keeps one record in memory. */
export function openJournalRecords(sink: Sink): Feed {
  const outside = openLines(sink)
  let fields: Record<string, string> = {}
  let worth = false
  let records = 0
  let lines = 0
  let rest = ''
  /** The binary field whose length, then bytes, come next: systemd's JOURNAL_EXPORT_FORMATS. */
  let binary: string | null = null
  let last: Record<string, string> | null = null

  function finish(): void {
    if (fields.MESSAGE !== undefined) {
      if (worth || records % SAMPLE === 0) sink.record(fields, null)
      last = worth ? null : fields
      records++
    }
    fields = {}
    worth = false
  }

  function line(text: string): void {
    lines++
    if (text === '') return finish()
    const header = VERBOSE.exec(text)
    if (header) {
      finish()
      fields.__date = header[1]!
      return
    }
    const field = FIELD.exec(text.trimStart())
    if (field) return set(field[1]!, field[2]!)
    if (/^[A-Z_][A-Z0-9_]{0,63}$/.test(text)) binary = text
    else outside.feed(Buffer.from(`${text}\n`, 'latin1'))
  }

  function set(name: string, value: string): void {
    if (!WANTED.has(name) || value.length > LONGEST) return
    const bytes = Buffer.from(value, 'latin1')
    fields[name] = bytes.toString('utf8')
    if (name === 'MESSAGE' && findWorth(bytes, 0) !== -1) worth = true
  }

  /** @returns whether the whole field was available */
  function takeBinary(text: string, at: number): number | null {
    if (text.length - at < 8) return null
    let length = 0
    for (let index = 5; index >= 0; index--) length = length * 256 + text.charCodeAt(at + index)
    if (length > 1 << 24) {
      binary = null
      return at
    }
    if (text.length - at < 9 + length) return null
    set(binary!, text.slice(at + 8, at + 8 + length))
    binary = null
    return at + 9 + length
  }

  return {
    feed(bytes) {
      const text = rest + bytes.toString('latin1')
      let at = 0
      while (at < text.length) {
        if (binary !== null) {
          const next = takeBinary(text, at)
          if (next === null) break
          at = next
          continue
        }
        const end = text.indexOf('\n', at)
        if (end === -1) break
        line(text.slice(at, end).replace(/\r$/, ''))
        at = end + 1
      }
      rest = text.slice(at)
      if (rest.length > 1 << 25 || (binary === null && rest.length > LONGEST)) rest = ''
    },
    end() {
      if (rest !== '') line(rest)
      finish()
      if (last) sink.record(last, null)
      outside.end()
      return lines
    },
  }
}
