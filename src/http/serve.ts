import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'

import { LunkeeperError } from '../model/errors.ts'
import type { Address } from './address.ts'
import { limitConnections, limitExchange, SERVER_OPTIONS } from './limits.ts'
import type { HttpAnswer } from './api/answer.ts'
import { textAnswer } from './api/answer.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { PageService } from './page-service.ts'
import { shareResult } from './shared-result.ts'

/** The values are read at most this often, for any number of scrapers. */
const METRICS_AGE_MS = 1_000

export interface HttpOptions {
  readonly address: Address
  readonly metrics: Metrics
  /** Why the agent is not healthy; null if it is. */
  readonly unhealthyReason: () => string | null
  /** Why the agent cannot accept volumes now; null if it can. */
  readonly notReadyReason: () => string | null
  /** The page and its API. @default null: they are not served */
  readonly page?: PageService | null
}

/**
 * Serves /metrics, /healthz and /readyz, and the page with its API. The first three contain no secrets: every
 * client that reaches the address can read them. src/http/api/access.ts decides who may use the page and the API.
 */
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

/** The server of {@link serveHttp}, before it listens. */
export function openServer(options: Omit<HttpOptions, 'address'>): Server {
  const metrics = shareResult(() => options.metrics.text(), METRICS_AGE_MS)
  const server = createServer(SERVER_OPTIONS, (request, response) => {
    const limit = limitExchange(request, response)
    void answer(options, metrics, request, response)
      .catch((error: unknown) => textAnswer(500, `error: ${(error as Error).message}`))
      .then((found) => (found ? send(request, response, found) : limit.lift()))
  })
  limitConnections(server)
  return server
}

/** @returns null if a stream was started as the answer */
async function answer(
  { metrics, unhealthyReason, notReadyReason, page }: Omit<HttpOptions, 'address'>,
  text: () => Promise<string>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<HttpAnswer | null> {
  const found = await page?.answer(request, response)
  if (found !== undefined) return found
  const { url, method } = request
  if (method !== 'GET' && method !== 'HEAD') return textAnswer(405, 'only GET')
  switch (url?.split('?')[0]) {
    case '/metrics':
      return { status: 200, type: metrics.contentType, body: await text() }
    case '/healthz':
      return healthAnswer(unhealthyReason())
    case '/readyz':
      return healthAnswer(unhealthyReason() ?? notReadyReason())
    case undefined:
    default:
      return textAnswer(
        404,
        page ? '/ /api/v1/openapi.json /metrics /healthz /readyz' : '/metrics /healthz /readyz',
      )
  }
}

function healthAnswer(reason: string | null): HttpAnswer {
  return reason === null ? textAnswer(200, 'ok') : textAnswer(503, reason)
}

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  { status, type, body, headers = {} }: HttpAnswer,
): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(method === 'HEAD' ? undefined : body)
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
  // An error of one connection must not end the server.
  server.on('error', () => {})
}
