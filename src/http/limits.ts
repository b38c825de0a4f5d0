import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'

/** A page of these takes milliseconds; a client that is slower than this holds a connection for nothing. */
const REQUEST_MS = 10_000
/** For a page to be made, which may start programs, and read by the client. */
const RESPONSE_MS = 30_000
/** How often Node looks for requests that are late. @default 30 s, which is longer than they may last */
const CHECK_MS = 2_000
/** A request is a path and what a scraper says of itself. */
const HEADER_BYTES = 8 << 10
const CONNECTIONS = 256
/** So that one client, however many connections it opens, does not keep the kubelet's probes out. */
const CONNECTIONS_OF_ONE = 16

export const SERVER_OPTIONS: ServerOptions = {
  requestTimeout: REQUEST_MS,
  headersTimeout: REQUEST_MS,
  connectionsCheckingInterval: CHECK_MS,
  maxHeaderSize: HEADER_BYTES,
}

/** Bounds what clients can hold: connections in all and of one address, and idle ones in time. */
export function limitConnections(server: Server): void {
  server.maxConnections = CONNECTIONS
  server.setTimeout(REQUEST_MS)
  const open = new Map<string, number>()
  server.on('connection', (socket) => {
    const address = socket.remoteAddress ?? ''
    const count = (open.get(address) ?? 0) + 1
    open.set(address, count)
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1
      if (left === 0) open.delete(address)
      else open.set(address, left)
    })
    if (count > CONNECTIONS_OF_ONE) socket.destroy()
  })
}

/** Ends an answer that the client does not take, and a connection over which more comes than a request line. */
export function limitExchange(request: IncomingMessage, response: ServerResponse): void {
  const timer = setTimeout(() => request.socket.destroy(), RESPONSE_MS)
  response.once('close', () => clearTimeout(timer))
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  if (!hasBody) return
  response.setHeader('connection', 'close')
  response.once('finish', () => request.socket.destroySoon())
}
