import type { IncomingMessage } from 'node:http'

/** A body has a few short fields. */
const MAX_BYTES = 4 << 10

/** The body of a request is invalid. The message does not quote it. */
export class BadBody extends Error {}

/** Reads a small JSON object. The server's `requestTimeout` limits the time. @throws BadBody */
export async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(request)
  try {
    const found: unknown = JSON.parse(text || '{}')
    if (typeof found === 'object' && found !== null && !Array.isArray(found))
      return found as Readonly<Record<string, unknown>>
  } catch {
    // The error below covers this case.
  }
  throw new BadBody('the body is not a JSON object')
}

/** Stops reading a body that is too long; the connection is closed after the answer. */
async function readText(request: IncomingMessage): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const chunks: Buffer[] = []
  let length = 0
  const endedEarly = () => reject(new BadBody('the body ended early'))
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length <= MAX_BYTES) {
      chunks.push(chunk)
      return
    }
    request.pause()
    reject(new BadBody(`the body is longer than ${MAX_BYTES} bytes`))
  })
  request.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
  request.once('error', endedEarly)
  request.once('close', endedEarly)
  return promise
}
