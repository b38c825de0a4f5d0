import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'

/** Sending a request takes milliseconds. A client that needs longer only occupies a connection. */
const REQUEST_TIMEOUT_MS = 10_000
/** Time to produce an answer, which may start programs, and for the client to read it. */
const RESPONSE_TIMEOUT_MS = 30_000
/** How often Node checks these limits. Its default of 30 s is longer than the limits. */
const TIMEOUT_CHECK_INTERVAL_MS = 2_000
/** A request has a path and a scraper's headers. */
const MAX_HEADER_BYTES = 8 << 10
const MAX_CONNECTIONS = 256
/** One client must not occupy all connections, because the kubelet's probes need some. */
const MAX_CONNECTIONS_PER_ADDRESS = 16

export const SERVER_OPTIONS: ServerOptions = {
  requestTimeout: REQUEST_TIMEOUT_MS,
  headersTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
  maxHeaderSize: MAX_HEADER_BYTES,
}

/** Limits the connections in total and per client address, and closes idle ones. */
export function limitConnections(server: Server): void {
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(REQUEST_TIMEOUT_MS)
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
    if (count > MAX_CONNECTIONS_PER_ADDRESS) socket.destroy()
  })
}

/**
 * Ends an answer that the client does not read in time, and closes the connection after a request with a body.
 * @returns `lift` removes the time limit, for a stream that has limits of its own
 */
export function limitExchange(
  request: IncomingMessage,
  response: ServerResponse,
): { readonly lift: () => void } {
  const { socket } = request
  const timer = setTimeout(() => socket.destroy(), RESPONSE_TIMEOUT_MS)
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
