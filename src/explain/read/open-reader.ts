import { isRecord, nestedFields } from '../envelope/nested-fields.ts'
import { parseJson } from '../envelope/json.ts'
import { openJsonReader } from './json-reader.ts'
import { isJournal, openJournalReader } from './journal-reader.ts'
import { openLineReader } from './line-reader.ts'
import type { LogReader, Sink } from './log-reader.ts'
import { openDecoder } from './character-set.ts'

/** The format is detected from this many bytes at the beginning. */
const HEAD_BYTES = 64 << 10

/** Opens a reader for a log of any format, which it detects from the beginning of the log. */
export function openReader(sink: Sink): LogReader {
  let head: Buffer[] = []
  let length = 0
  let reader: LogReader | null = null
  let decode: ((bytes: Buffer) => Buffer) | null = null

  function chooseReader(): LogReader {
    const bytes = Buffer.concat(head)
    head = []
    decode = openDecoder(bytes)
    const text = decode ? decode(bytes) : bytes
    reader = formatOf(text.toString('latin1', 0, HEAD_BYTES))(sink)
    // Skips the byte order mark of UTF-8.
    reader.feed(text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? text.subarray(3) : text)
    return reader
  }

  return {
    feed(bytes) {
      if (reader) return reader.feed(decode ? decode(bytes) : bytes)
      // A copy, because the caller may reuse the block before the format is known.
      head.push(length === 0 && bytes.length >= HEAD_BYTES ? bytes : Buffer.from(bytes))
      length += bytes.length
      if (length >= HEAD_BYTES) chooseReader()
    },
    end: () => (reader ?? chooseReader()).end(),
  }
}

function formatOf(head: string): (sink: Sink) => LogReader {
  if (isJournal(head)) return openJournalReader
  return isDocument(head) ? openJsonReader : openLineReader
}

/** Whether the log has JSON documents that span several lines, or that contain several records. */
function isDocument(head: string): boolean {
  const lines = head.replace(/^\u00ef\u00bb\u00bf/, '').split('\n', 50)
  for (const [index, line] of lines.entries()) {
    const text = line.trim()
    if (text === '{' || text === '[' || /^\[\s*\{/.test(text)) return true
    if (!/^\{\s*"/.test(text)) {
      // A prompt or a heading may come before the document; lines of a log may not.
      if (text === '' || index < 5) continue
      return false
    }
    const value = parseJson(text)
    if (isRecord(value)) return !hasMessage(value)
    // The value does not end in this line: it is truncated, or continues on the next line.
    return lines.length === 1 || /^\s+"|^\s*[\]}{]/.test(lines[index + 1] ?? '')
  }
  return false
}

function hasMessage(record: Readonly<Record<string, unknown>>): boolean {
  const fields = nestedFields(record)
  return [
    'message',
    'msg',
    'log',
    'line',
    '@message',
    'textpayload',
    'short_message',
    'text',
    'body',
    'stringvalue',
    '_raw',
  ].some((name) => fields.has(name))
}
