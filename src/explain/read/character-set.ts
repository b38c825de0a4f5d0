/** A date with a month in Latin-1 (`M\xe4r 13`) is within this many characters of the start of a line. */
const DATE_LENGTH = 60

/** Decodes a line as UTF-8, or as Latin-1 if its beginning is not valid UTF-8. */
export function textOf(bytes: Buffer, start = 0, end = bytes.length): string {
  const text = bytes.toString('utf8', start, end)
  const invalid = text.indexOf('\ufffd')
  return (invalid === -1 || invalid > DATE_LENGTH ? text : bytes.toString('latin1', start, end)).trimEnd()
}

/**
 * A converter to UTF-8 for a log that starts with a byte order mark of UTF-16, which PowerShell's `>` writes; null for
 * others.
 */
export function openDecoder(head: Buffer): ((bytes: Buffer) => Buffer) | null {
  const encoding =
    head[0] === 0xff && head[1] === 0xfe
      ? 'utf-16le'
      : head[0] === 0xfe && head[1] === 0xff
        ? 'utf-16be'
        : null
  if (encoding === null) return null
  const decoder = new TextDecoder(encoding)
  return (bytes) => Buffer.from(decoder.decode(bytes, { stream: true }))
}
