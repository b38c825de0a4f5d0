import { findRelevantPhrase, openLineReader } from './line-reader.ts'
import type { LogReader, Sink } from './log-reader.ts'

/** One in this many irrelevant records is parsed for its time. */
const SAMPLE_EVERY = 64
/** A longer field is ignored. */
const MAX_FIELD_BYTES = 64 << 10

/** The relevant fields (systemd.journal-fields(7)). */
const RELEVANT_FIELDS = new Set([
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

const VERBOSE_HEADER = /^(\S.{10,60}?) \[s=[0-9a-f]{32};/
const FIELD = /^([A-Z_][A-Z0-9_]{0,63})=(.*)$/s

/** Whether a log starts like `journalctl -o export` or `-o verbose`. */
export function isJournal(head: string): boolean {
  return /^__(?:CURSOR|REALTIME_TIMESTAMP)=/m.test(head) || /^\S.{10,60}? \[s=[0-9a-f]{32};/m.test(head)
}

/**
 * Reads journald's records, which have one field per line. Other text is read as lines. Keeps at most one record in
 * memory.
 */
export function openJournalReader(sink: Sink): LogReader {
  const lineReader = openLineReader(sink)
  let fields: Record<string, string> = {}
  let isRelevant = false
  let records = 0
  let lines = 0
  let rest = ''
  /** The binary field whose length and bytes come next (systemd, JOURNAL_EXPORT_FORMATS). */
  let binary: string | null = null
  let lastRecord: Record<string, string> | null = null

  function endRecord(): void {
    if (fields.MESSAGE !== undefined) {
      if (isRelevant || records % SAMPLE_EVERY === 0) sink.record(fields, null)
      lastRecord = isRelevant ? null : fields
      records++
    }
    fields = {}
    isRelevant = false
  }

  function parseLine(text: string): void {
    lines++
    if (text === '') return endRecord()
    const header = VERBOSE_HEADER.exec(text)
    if (header) {
      endRecord()
      fields.__date = header[1]!
      return
    }
    const field = FIELD.exec(text.trimStart())
    if (field) return setField(field[1]!, field[2]!)
    if (/^[A-Z_][A-Z0-9_]{0,63}$/.test(text)) binary = text
    else lineReader.feed(Buffer.from(`${text}\n`, 'latin1'))
  }

  function setField(name: string, value: string): void {
    if (!RELEVANT_FIELDS.has(name) || value.length > MAX_FIELD_BYTES) return
    const bytes = Buffer.from(value, 'latin1')
    fields[name] = bytes.toString('utf8')
    if (name === 'MESSAGE' && findRelevantPhrase(bytes, 0) !== -1) isRelevant = true
  }

  /** @returns the position after the field; null if it has not arrived completely */
  function takeBinary(text: string, at: number): number | null {
    if (text.length - at < 8) return null
    let length = 0
    for (let index = 5; index >= 0; index--) length = length * 256 + text.charCodeAt(at + index)
    if (length > 1 << 24) {
      binary = null
      return at
    }
    if (text.length - at < 9 + length) return null
    setField(binary!, text.slice(at + 8, at + 8 + length))
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
        parseLine(text.slice(at, end).replace(/\r$/, ''))
        at = end + 1
      }
      rest = text.slice(at)
      if (rest.length > 1 << 25 || (binary === null && rest.length > MAX_FIELD_BYTES)) rest = ''
    },
    end() {
      if (rest !== '') parseLine(rest)
      endRecord()
      if (lastRecord) sink.record(lastRecord, null)
      lineReader.end()
      return lines
    },
  }
}
