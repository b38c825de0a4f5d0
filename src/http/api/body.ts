import type { IncomingMessage } from 'node:http'

/** A name and a duration. */
const BYTES = 4 << 10

/** A request whose body cannot be used. The message quotes nothing of it. */
export class BadBody extends Error {}

/** Reads a small JSON object. Its time is limited by the server's `requestTimeout`. @throws BadBody */
export async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > BYTES) throw new BadBody(`the content is longer than ${BYTES} bytes`)
    chunks.push(chunk)
  }
  try {
    const found: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}')
    if (typeof found === 'object' && found !== null && !Array.isArray(found))
      return found as Readonly<Record<string, unknown>>
  } catch {
    // Said below.
  }
  throw new BadBody('the content is not a JSON object')
}
