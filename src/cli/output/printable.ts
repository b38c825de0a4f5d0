/**
 * What steers a terminal, breaks a line or hides text: control characters (C0, DEL, C1), formatting characters
 * (bidi overrides, zero widths, tags), line and paragraph separators, halves of surrogate pairs.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * A text from outside (a serial, a file name, a program's or a log's words) as it may be shown on a terminal: what is
 * not printable is written out, as `\x1b` or `\u202e`.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT[character] ?? escaped(character.codePointAt(0)!))
}

function escaped(point: number): string {
  const digits = point.toString(16)
  if (point < 0x100) return `\\x${digits.padStart(2, '0')}`
  return point < 0x1_0000 ? `\\u${digits.padStart(4, '0')}` : `\\u{${digits}}`
}

/** The same for several lines of a program: they become one. */
export function oneLine(text: string): string {
  return printable(text.replace(/\s*[\r\n]+\s*/g, ' '))
}

/** Data with every text in it printable: what a command's result is before it is laid out for people. */
export function printableData<T>(data: T): T {
  return mapped(data) as T
}

function mapped(data: unknown): unknown {
  if (typeof data === 'string') return printable(data)
  if (Array.isArray(data)) return data.map(mapped)
  if (data === null || typeof data !== 'object' || Object.getPrototypeOf(data) !== Object.prototype)
    return data
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, mapped(value)]))
}

/** JSON that a terminal may see: the same value, with what JSON itself leaves as it is (DEL, C1, bidi) escaped. */
export function printableJson(data: unknown): string {
  return JSON.stringify(data, null, 2).replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : [...unitsOf(character)].join(''),
  )
}

function unitsOf(character: string): string[] {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  )
}
