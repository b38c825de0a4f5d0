import type { IncomingMessage } from 'node:http'

/** A name and a duration. */
const BYTES = 4 << 10

/** A request whose body cannot be used. The message quotes nothing of it. */
export class BadBody extends Error {}

/** Reads a small JSON object. Its time is limited by the server's `requestTimeout`. @throws BadBody */
export async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(request)
  try {
    const found: unknown = JSON.parse(text || '{}')
    if (typeof found === 'object' && found !== null && !Array.isArray(found))
      return found as Readonly<Record<string, unknown>>
  } catch {
    // Said below.
  }
  throw new BadBody('the content is not a JSON object')
}

/** What is too long is left unread, and the connection is closed after the answer. */
async function readText(request: IncomingMessage): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const chunks: Buffer[] = []
  let length = 0
  const gone = () => reject(new BadBody('the content ended early'))
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length <= BYTES) {
      chunks.push(chunk)
      return
    }
    request.pause()
    reject(new BadBody(`the content is longer than ${BYTES} bytes`))
  })
  request.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
  request.once('error', gone)
  request.once('close', gone)
  return promise
}
