/** Position of a line's date, which is what an old character set breaks: `M\xe4r 13`. */
const DATED = 60

/** A line as text: UTF-8, or Latin-1 if the beginning is not UTF-8. */
export function textOf(bytes: Buffer, start = 0, end = bytes.length): string {
  const text = bytes.toString('utf8', start, end)
  const broken = text.indexOf('\ufffd')
  return (broken === -1 || broken > DATED ? text : bytes.toString('latin1', start, end)).trimEnd()
}

/** Converts a log that starts with a byte order mark to blocks of UTF-8: PowerShell's `>` writes UTF-16. */
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
