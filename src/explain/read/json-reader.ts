import { parseJson } from '../envelope/json.ts'
import { countLines, findRelevantPhrase, openLineReader } from './line-reader.ts'
import type { LogReader, Sink } from './log-reader.ts'

/** A longer value is not parsed as a record, but the records inside it are. */
const MAX_RECORD_BYTES = 256 << 10
/** One in this many irrelevant records is parsed for its time. */
const SAMPLE_EVERY = 256
/** A record has its message in one of these fields. */
const MESSAGE_FIELD =
  /"(?:MESSAGE|message|msg|log|line|@message|text|textPayload|short_message|body|_raw)"\s*:/
/** Loki's [time, line]. */
const LOKI_PAIR = /^\[\s*"?\d{10,20}"?\s*,\s*["{]/

interface Frame {
  readonly array: boolean
  /** Offset in the text at which the value starts. */
  start: number
  /** Key of the value in its parent object. */
  readonly key: string | null
  /** False once the value is too long, or contains a record. */
  mayBeRecord: boolean
}

/**
 * Reads JSON documents that span several lines, or one document that contains all records: dmesg -J, journalctl -o
 * json-pretty, responses of Loki, exports of Grafana and Elastic. Text between documents is read as lines. Keeps at most
 * one record in memory.
 */
export function openJsonReader(sink: Sink): LogReader {
  const lineReader = openLineReader(sink)
  const frames: Frame[] = []
  let text = ''
  let at = 0
  let inString = false
  let stringStart = 0
  let lastString: string | null = null
  let lines = 0
  let records = 0
  let labels: unknown = null
  let lastRecord: string | null = null

  function parseText(final: boolean): void {
    while (at < text.length) {
      if (inString) {
        if (!endString()) break
      } else if (frames.length === 0) {
        if (!startDocument(final)) break
      } else consume()
    }
    discard()
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
      lastString = quote - stringStart < 64 ? text.slice(stringStart, quote) : null
    }
    return true
  }

  /** Between documents, starts the next document or reads a line of text. @returns false if more text is needed */
  function startDocument(final: boolean): boolean {
    const found = text.slice(at).search(/[^\s,]/)
    if (found === -1) {
      at = text.length
      return false
    }
    at += found
    const ahead = /^(?:\{\s*(?:["}]|$)|\[\s*(?:[{["\]]|$))/.test(text.slice(at, at + 200))
    if (ahead && (final || text.length - at > 200)) {
      consume()
      return true
    }
    if (ahead && !final) return false
    const end = text.indexOf('\n', at)
    if (end === -1 && !final) {
      if (text.length - at <= MAX_RECORD_BYTES) return false
      at = text.length
      return true
    }
    const line = text.slice(at, end === -1 ? text.length : end)
    lineReader.feed(Buffer.from(`${line}\n`, 'latin1'))
    at = end === -1 ? text.length : end + 1
    return true
  }

  function consume(): void {
    const character = text[at]!
    if (character === '"') {
      inString = true
      stringStart = at + 1
    } else if (character === '{' || character === '[') {
      frames.push({ array: character === '[', start: at, key: lastString, mayBeRecord: true })
      lastString = null
    } else if (character === '}' || character === ']') {
      const frame = frames.pop()
      at++
      if (!frame || frame.array !== (character === ']')) frames.length = 0
      else endFrame(frame)
      return
    } else if (character === ',') lastString = null
    at++
  }

  function endFrame(frame: Frame): void {
    const parent = frames.at(-1)
    if (!frame.mayBeRecord || at - frame.start > MAX_RECORD_BYTES) return
    const raw = text.slice(frame.start, at)
    if (!frame.array && parent && !parent.array) {
      if (frame.key === 'stream' || frame.key === 'labels') labels = parseJson(utf8(raw))
      return
    }
    if (frame.array ? !parent?.array || !LOKI_PAIR.test(raw) : !MESSAGE_FIELD.test(raw)) return
    for (const ancestor of frames) ancestor.mayBeRecord = false
    records++
    lastRecord = raw
    if (records % SAMPLE_EVERY !== 1 && findRelevantPhrase(Buffer.from(raw, 'latin1'), 0) === -1) return
    emit(raw)
  }

  function emit(raw: string): void {
    lastRecord = null
    const value = parseJson(utf8(raw))
    if (value !== null) sink.record(value, labels)
  }

  /** Discards text that no record can need. */
  function discard(): void {
    for (const frame of frames) if (at - frame.start > MAX_RECORD_BYTES) frame.mayBeRecord = false
    const needed = frames.find(({ mayBeRecord }) => mayBeRecord)?.start ?? at
    const keep = Math.max(0, Math.min(needed, at - 256, inString ? stringStart : at))
    const from = inString && at - stringStart > MAX_RECORD_BYTES ? Math.max(0, at - 256) : keep
    if (from === 0) return
    text = text.slice(from)
    at -= from
    stringStart -= from
    for (const frame of frames) frame.start -= from
  }

  return {
    feed(bytes) {
      lines += countLines(bytes)
      // In pieces, so that text that no record needs is discarded before more is added.
      for (let start = 0; start < bytes.length; start += 64 << 10) {
        text += bytes.toString('latin1', start, Math.min(bytes.length, start + (64 << 10)))
        parseText(false)
      }
    },
    end() {
      parseText(true)
      if (lastRecord !== null) emit(lastRecord)
      lineReader.end()
      return Math.max(lines, records > 0 ? 1 : 0)
    },
  }
}

function utf8(raw: string): string {
  return Buffer.from(raw, 'latin1').toString('utf8')
}
