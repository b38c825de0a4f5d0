import { parsed } from '../envelope/json.ts'
import { countLines, findWorth, openLines } from './lines.ts'
import type { Feed, Sink } from './sink.ts'

/** A longer record is not parsed as a whole; only the records inside it are. */
const LONGEST = 256 << 10
/** Of irrelevant records, one in this many is parsed to show the time. */
const SAMPLE = 256
/** A record has a message under one of these names. */
const HAS_MESSAGE = /"(?:MESSAGE|message|msg|log|line|@message|text|textPayload|short_message|body|_raw)"\s*:/
/** Loki's pairs of time and line. */
const PAIR = /^\[\s*"?\d{10,20}"?\s*,\s*["{]/

interface Frame {
  readonly array: boolean
  /** Offset of its start in the text. */
  start: number
  /** Key of the value in its parent object. */
  readonly key: string | null
  /** May be a record: not too long, and contains no record. */
  live: boolean
}

/**
 * Reads JSON documents that span several lines, or one document with all records: dmesg -J, journalctl -o json-pretty,
 * answers of Loki, exports of Grafana and Elastic. Text between documents is read as lines. Keeps one record in memory.
 */
export function openDocuments(sink: Sink): Feed {
  const outside = openLines(sink)
  const frames: Frame[] = []
  let text = ''
  let at = 0
  let inString = false
  let stringStart = 0
  let name: string | null = null
  let lines = 0
  let records = 0
  let labels: unknown = null
  let last: string | null = null

  function read(final: boolean): void {
    while (at < text.length) {
      if (inString) {
        if (!endString()) break
      } else if (frames.length === 0) {
        if (!begin(final)) break
      } else step()
    }
    trim()
  }

  /** @returns whether the string ends within the text so far */
  function endString(): boolean {
    const quote = text.indexOf('"', at)
    if (quote === -1) {
      at = text.length
      return false
    }
    let slashes = 0
    while (text[quote - 1 - slashes] === '\\') slashes++
    at = quote + 1
    if (slashes % 2 === 0) {
      inString = false
      name = quote - stringStart < 64 ? text.slice(stringStart, quote) : null
    }
    return true
  }

  /** Between documents: another document starts, or an ordinary line. @returns false if more text is needed */
  function begin(final: boolean): boolean {
    const found = text.slice(at).search(/[^\s,]/)
    if (found === -1) {
      at = text.length
      return false
    }
    at += found
    const ahead = /^(?:\{\s*(?:["}]|$)|\[\s*(?:[{["\]]|$))/.test(text.slice(at, at + 200))
    if (ahead && (final || text.length - at > 200)) {
      step()
      return true
    }
    if (ahead && !final) return false
    const end = text.indexOf('\n', at)
    if (end === -1 && !final) {
      if (text.length - at <= LONGEST) return false
      at = text.length
      return true
    }
    const line = text.slice(at, end === -1 ? text.length : end)
    outside.feed(Buffer.from(`${line}\n`, 'latin1'))
    at = end === -1 ? text.length : end + 1
    return true
  }

  function step(): void {
    const character = text[at]!
    if (character === '"') {
      inString = true
      stringStart = at + 1
    } else if (character === '{' || character === '[') {
      frames.push({ array: character === '[', start: at, key: name, live: true })
      name = null
    } else if (character === '}' || character === ']') {
      const frame = frames.pop()
      at++
      if (!frame || frame.array !== (character === ']')) frames.length = 0
      else close(frame)
      return
    } else if (character === ',') name = null
    at++
  }

  function close(frame: Frame): void {
    const parent = frames.at(-1)
    if (!frame.live || at - frame.start > LONGEST) return
    const raw = text.slice(frame.start, at)
    if (!frame.array && parent && !parent.array) {
      if (frame.key === 'stream' || frame.key === 'labels') labels = parsed(utf8(raw))
      return
    }
    if (frame.array ? !parent?.array || !PAIR.test(raw) : !HAS_MESSAGE.test(raw)) return
    for (const ancestor of frames) ancestor.live = false
    records++
    last = raw
    if (records % SAMPLE !== 1 && findWorth(Buffer.from(raw, 'latin1'), 0) === -1) return
    emit(raw)
  }

  function emit(raw: string): void {
    last = null
    const value = parsed(utf8(raw))
    if (value !== null) sink.record(value, labels)
  }

  /** Discards text that no record can need. */
  function trim(): void {
    for (const frame of frames) if (at - frame.start > LONGEST) frame.live = false
    const needed = frames.find(({ live }) => live)?.start ?? at
    const keep = Math.max(0, Math.min(needed, at - 256, inString ? stringStart : at))
    const from = inString && at - stringStart > LONGEST ? Math.max(0, at - 256) : keep
    if (from === 0) return
    text = text.slice(from)
    at -= from
    stringStart -= from
    for (const frame of frames) frame.start -= from
  }

  return {
    feed(bytes) {
      lines += countLines(bytes)
      // In pieces: text that a record can need is kept, the rest is dropped.
      for (let start = 0; start < bytes.length; start += 64 << 10) {
        text += bytes.toString('latin1', start, Math.min(bytes.length, start + (64 << 10)))
        read(false)
      }
    },
    end() {
      read(true)
      if (last !== null) emit(last)
      outside.end()
      return Math.max(lines, records > 0 ? 1 : 0)
    },
  }
}

function utf8(raw: string): string {
  return Buffer.from(raw, 'latin1').toString('utf8')
}
