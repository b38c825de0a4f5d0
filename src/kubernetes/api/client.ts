import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'

import type { Account } from './account.ts'

/** An API server answers in milliseconds. Its own limit for a request is 60 s, too long for a report. */
const DEADLINE_MS = 10_000

/** The metadata of several hundred pods is a few megabytes. */
const MAX_BYTES = 32 << 20

export type Method = 'GET' | 'POST' | 'PATCH'

export interface ApiCall {
  readonly method: Method
  /** Including the query. */
  readonly path: string
  readonly body?: object
  /** Content type of a PATCH. */
  readonly patch?: 'merge' | 'strategic-merge'
  /** Whether to request metadata only: a specification may contain secrets. */
  readonly metadataOnly?: 'one' | 'list'
}

export interface ApiAnswer {
  readonly status: number
  /** Null if it was not JSON. */
  readonly body: unknown
  /** How many milliseconds the server asks not to be called; null if it does not say. */
  readonly retryAfter: number | null
}

export interface Api extends Disposable {
  /**
   * Sends one request, which is answered or fails within ten seconds. An error status is an answer, too.
   * @throws errors of the network, of TLS, or of reading the account's files
   */
  ask(call: ApiCall, signal: AbortSignal): Promise<ApiAnswer>
}

/**
 * A client for the Kubernetes API that uses only Node: the official client library would add twenty packages for five
 * calls.
 */
export function openApi(account: Account, deadline = DEADLINE_MS): Api {
  const agent = new Agent({ keepAlive: true, maxSockets: 4, maxFreeSockets: 1 })

  async function ask(call: ApiCall, stop: AbortSignal): Promise<ApiAnswer> {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(deadline)])
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const body = call.body === undefined ? undefined : JSON.stringify(call.body)
    const { host, port, ca, token } = account
    const sent = request(
      {
        agent,
        host,
        port,
        ca: ca(),
        method: call.method,
        path: call.path,
        headers: headersOf(call, token(), body),
        signal,
      },
      resolve,
    )
    sent.on('error', reject)
    sent.end(body)
    try {
      return await answerOf(await promise)
    } catch (error) {
      throw signal.aborted && !stop.aborted ? new Error(`no answer within ${deadline / 1000} s`) : error
    } finally {
      // A connection whose answer was not read to its end is not reused.
      if (signal.aborted) sent.destroy()
    }
  }

  return { ask, [Symbol.dispose]: () => agent.destroy() }
}

function headersOf({ patch, metadataOnly }: ApiCall, token: string, body: string | undefined) {
  const kind = metadataOnly === 'list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata'
  return {
    authorization: `Bearer ${token}`,
    accept: metadataOnly ? `application/json;as=${kind};g=meta.k8s.io;v=v1` : 'application/json',
    'user-agent': 'lunkeeper',
    ...(body === undefined
      ? {}
      : {
          'content-type': patch ? `application/${patch}-patch+json` : 'application/json',
          'content-length': Buffer.byteLength(body),
        }),
  }
}

async function answerOf(message: IncomingMessage): Promise<ApiAnswer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BYTES) throw new Error(`an answer of more than ${MAX_BYTES >> 20} MiB`)
    chunks.push(chunk)
  }
  const seconds = Number(message.headers['retry-after'])
  return {
    status: message.statusCode ?? 0,
    body: parse(Buffer.concat(chunks).toString('utf8')),
    retryAfter: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null,
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
