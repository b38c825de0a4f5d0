import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'

/** A page takes milliseconds; a slower client occupies a connection for nothing. */
const REQUEST_MS = 10_000
/** Time to produce a page, which may start programs, and for the client to read it. */
const RESPONSE_MS = 30_000
/** How often Node looks for late requests. @default 30 s, which is longer than they may last */
const CHECK_MS = 2_000
/** A request is a path and a scraper's headers. */
const HEADER_BYTES = 8 << 10
const CONNECTIONS = 256
/** So that one client, however many connections it opens, does not lock out the kubelet's probes. */
const CONNECTIONS_OF_ONE = 16

export const SERVER_OPTIONS: ServerOptions = {
  requestTimeout: REQUEST_MS,
  headersTimeout: REQUEST_MS,
  connectionsCheckingInterval: CHECK_MS,
  maxHeaderSize: HEADER_BYTES,
}

/** Bounds what clients can occupy: connections in total and per address, and the time of idle ones. */
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

/**
 * Ends an answer that the client does not read, and a connection that sends more than a request line.
 * @returns a way to lift the limit of time, for an answer that goes on and has limits of its own
 */
export function limitExchange(
  request: IncomingMessage,
  response: ServerResponse,
): { readonly lift: () => void } {
  const { socket } = request
  const timer = setTimeout(() => socket.destroy(), RESPONSE_MS)
  const lift = () => clearTimeout(timer)
  response.once('close', lift)
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  if (hasBody) {
    response.setHeader('connection', 'close')
    response.once('finish', () => socket.destroySoon())
  }
  return { lift }
}
