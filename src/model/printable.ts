/**
 * Characters that control a terminal, break a line or hide text: control characters (C0, DEL, C1), formatting
 * characters (bidi overrides, zero widths, tags), line and paragraph separators, surrogate halves.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * Text from outside (a serial, a file name, program output, a log) in a form that is safe on a terminal:
 * unprintable characters are escaped, as `\x1b` or `\u202e`.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT[character] ?? escaped(character.codePointAt(0)!))
}

function escaped(point: number): string {
  const digits = point.toString(16)
  if (point < 0x100) return `\\x${digits.padStart(2, '0')}`
  return point < 0x1_0000 ? `\\u${digits.padStart(4, '0')}` : `\\u{${digits}}`
}

/** Like {@link printable}, for several lines of program output, which are joined into one. */
export function oneLine(text: string): string {
  // Not a single regular expression: that would take quadratic time on many blanks.
  const lines = text.split(/[\r\n]/)
  const last = lines.length - 1
  const trimmed = lines.map((line, index) => {
    const begun = index === 0 ? line : line.trimStart()
    return index === last ? begun : begun.trimEnd()
  })
  return printable(trimmed.filter((line, index) => index === 0 || index === last || line !== '').join(' '))
}

/** Makes every string in the data printable before a result is formatted for people. */
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

/**
 * JSON that is safe on a terminal: the same value, with characters that JSON does not escape (DEL, C1, bidi) escaped.
 */
export function printableJson(data: unknown): string {
  return escapedJson(JSON.stringify(data, null, 2))
}

/** Like {@link printableJson}, on one line. */
export function printableLine(data: unknown): string {
  return escapedJson(JSON.stringify(data))
}

function escapedJson(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : [...unitsOf(character)].join(''),
  )
}

/** Like {@link printableJson}, on one line, for a log. */
export function printableJsonLine(data: unknown): string {
  return JSON.stringify(data).replace(UNPRINTABLE, (character) => unitsOf(character).join(''))
}

function unitsOf(character: string): string[] {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  )
}
