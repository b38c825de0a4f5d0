import { isRecord, nestedFields } from '../envelope/nested-fields.ts'
import { parsed } from '../envelope/json.ts'
import { openDocuments } from './documents.ts'
import { isJournalRecords, openJournalRecords } from './journal-records.ts'
import { openLines } from './lines.ts'
import type { Feed, Sink } from './sink.ts'
import { openDecoder } from './text.ts'

/** Length of the beginning from which the format is detected. */
const HEAD = 64 << 10

/** A reader for any log: detects the format from the beginning. */
export function openReader(sink: Sink): Feed {
  let head: Buffer[] = []
  let length = 0
  let chosen: Feed | null = null
  let decode: ((bytes: Buffer) => Buffer) | null = null

  function choose(): Feed {
    const bytes = Buffer.concat(head)
    head = []
    decode = openDecoder(bytes)
    const text = decode ? decode(bytes) : bytes
    chosen = kindOf(text.toString('latin1', 0, HEAD))(sink)
    // After the byte order mark of UTF-8.
    chosen.feed(text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? text.subarray(3) : text)
    return chosen
  }

  return {
    feed(bytes) {
      if (chosen) return chosen.feed(decode ? decode(bytes) : bytes)
      // A copy, because the block may be reused before the format is known.
      head.push(length === 0 && bytes.length >= HEAD ? bytes : Buffer.from(bytes))
      length += bytes.length
      if (length >= HEAD) choose()
    },
    end: () => (chosen ?? choose()).end(),
  }
}

function kindOf(head: string): (sink: Sink) => Feed {
  if (isJournalRecords(head)) return openJournalRecords
  return isDocument(head) ? openDocuments : openLines
}

/** Whether a line starts a document that does not end in it, or that contains the records. */
function isDocument(head: string): boolean {
  const lines = head.replace(/^\u00ef\u00bb\u00bf/, '').split('\n', 50)
  for (const [index, line] of lines.entries()) {
    const text = line.trim()
    if (text === '{' || text === '[' || /^\[\s*\{/.test(text)) return true
    if (!/^\{\s*"/.test(text)) {
      // Below a prompt or a heading, but not below lines of a log.
      if (text === '' || index < 5) continue
      return false
    }
    const value = parsed(text)
    if (isRecord(value)) return !hasMessage(value)
    // Not a whole value: truncated, or continued on the next line.
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
