import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'

import { LunkeeperError } from '../model/errors.ts'
import type { Address } from './address.ts'
import { limitConnections, limitExchange, SERVER_OPTIONS } from './limits.ts'
import type { Metrics } from './metrics/metrics.ts'
import { shared } from './shared.ts'

/** Metrics are read at most this often, whatever the number of scrapers. */
const METRICS_AGE_MS = 1_000

export interface HttpOptions {
  readonly address: Address
  readonly metrics: Metrics
  /** Why the agent is not working as it should; null if it is. */
  readonly sick: () => string | null
  /** Why it cannot accept volumes now; null if it can. */
  readonly unready: () => string | null
}

interface Page {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** Serves /metrics, /healthz and /readyz. Anyone who can reach the address can read them, so they contain no secret. */
export async function serveHttp(options: HttpOptions): Promise<AsyncDisposable> {
  const server = openServer(options)
  await listen(server, options.address)
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      const { promise, resolve } = Promise.withResolvers<void>()
      server.close(() => resolve())
      await promise
    },
  }
}

/** The same, before it listens. */
export function openServer(options: Omit<HttpOptions, 'address'>): Server {
  const metrics = shared(() => options.metrics.text(), METRICS_AGE_MS)
  const server = createServer(SERVER_OPTIONS, (request, response) => {
    limitExchange(request, response)
    void answer(options, metrics, request)
      .catch((error: unknown) => plain(500, `error: ${(error as Error).message}`))
      .then((page) => send(request, response, page))
  })
  limitConnections(server)
  return server
}

async function answer(
  { metrics, sick, unready }: Omit<HttpOptions, 'address'>,
  text: () => Promise<string>,
  { url, method }: IncomingMessage,
): Promise<Page> {
  if (method !== 'GET' && method !== 'HEAD') return plain(405, 'only GET')
  switch (url?.split('?')[0]) {
    case '/metrics':
      return { status: 200, type: metrics.contentType, text: await text() }
    case '/healthz':
      return verdict(sick())
    case '/readyz':
      return verdict(sick() ?? unready())
    case undefined:
    default:
      return plain(404, '/metrics /healthz /readyz')
  }
}

function verdict(reason: string | null): Page {
  return reason === null ? plain(200, 'ok') : plain(503, reason)
}

function plain(status: number, text: string): Page {
  return { status, type: 'text/plain; charset=utf-8', text: `${text}\n` }
}

function send({ method }: IncomingMessage, response: ServerResponse, { status, type, text }: Page): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(method === 'HEAD' ? undefined : text)
}

async function listen(server: Server, { host, port }: Address): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ port, ...(host === null ? {} : { host }) }, resolve)
  try {
    await promise
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new LunkeeperError(
      code === 'EADDRINUSE' ? 'CONFLICT' : 'USAGE',
      `cannot listen on ${host ?? '*'}:${port}: ${message}`,
      { cause, hint: 'Give --http another address or port.' },
    )
  }
  server.off('error', reject)
  // A broken connection concerns only the client.
  server.on('error', () => {})
}
