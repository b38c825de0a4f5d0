import type { Layer } from './entry.ts'
import { fieldsLayer } from './json.ts'
import type { Months } from './months.ts'

/** A line of `key=value` pairs wraps a message if it has one of these keys. */
const MESSAGE = /(?:^|\s)(?:MESSAGE|message|msg|log|line|text)=/
const PAIR = /([\w.@-]{1,64})=(?:"((?:[^"\\]|\\.){0,16000})"|(\S{0,16000}))/g

/** Parses logfmt and similar formats: time=… level=info msg="…". */
export function keyValueLayer(line: string, months: Months): Layer | null {
  if (!MESSAGE.test(line) || !/^[\w.@-]{1,64}=/.test(line)) return null
  const fields: Record<string, string> = {}
  for (const [, key, quoted, plain] of line.matchAll(PAIR))
    fields[key!] ??= quoted === undefined ? plain! : unescaped(quoted)
  return fieldsLayer(fields, months)
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) =>
    character === 'n' ? '\n' : character === 't' ? '\t' : character,
  )
}
