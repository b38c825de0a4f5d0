/** A date with a month in Latin-1 (`M\xe4r 13`) is within this many characters of the start of a line. */
const DATE_LENGTH = 60

/** Decodes a line as UTF-8, or as Latin-1 if its beginning is not valid UTF-8. */
export function textOf(bytes: Buffer, start = 0, end = bytes.length): string {
  const text = bytes.toString('utf8', start, end)
  const invalid = text.indexOf('\ufffd')
  return (invalid === -1 || invalid > DATE_LENGTH ? text : bytes.toString('latin1', start, end)).trimEnd()
}

/** The encoding that a byte order mark of UTF-16 names; null without one. PowerShell's `>` writes UTF-16. */
export function utf16Encoding(bytes: Buffer): 'utf-16le' | 'utf-16be' | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null
}

/** Opens a converter from UTF-16 to UTF-8, for a log in blocks; null for a log that is not in UTF-16. */
export function openDecoder(head: Buffer): ((bytes: Buffer) => Buffer) | null {
  const encoding = utf16Encoding(head)
  if (encoding === null) return null
  const decoder = new TextDecoder(encoding)
  return (bytes) => Buffer.from(decoder.decode(bytes, { stream: true }))
}
