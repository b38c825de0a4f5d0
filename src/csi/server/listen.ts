import { lstatSync } from 'node:fs'
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2'
import { createServer } from 'node:http2'

import type { ConnectRouter } from '@connectrpc/connect'
import { Code } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'

import { listenAt, removeSocket } from './endpoint.ts'

/** In bytes. Attributes have at most 4 KiB, and secrets little more. */
const MAX_REQUEST_BYTES = 1 << 20

/** How long a stopping process waits for calls in progress; systemd and the kubelet allow 30 s or more. */
const DRAIN_DEADLINE_MS = 20_000
/** Time for the last answers to reach their callers. */
const CLOSE_DEADLINE_MS = 500

/**
 * Serves gRPC on a unix socket. When disposed of, the server accepts no more calls, lets those in progress end, and removes
 * the socket.
 * @param idle resolves when no call that must not be cut off is in progress
 * @throws CONFLICT USAGE RECORD_UNWRITABLE
 */
export async function listenGrpc(
  path: string,
  routes: (router: ConnectRouter) => void,
  idle: () => Promise<void>,
): Promise<AsyncDisposable> {
  const handle = connectNodeAdapter({
    routes,
    // gRPC only: a kubelet uses no other protocol.
    connect: false,
    grpcWeb: false,
    readMaxBytes: MAX_REQUEST_BYTES,
    // Calls that our version of the protocol does not have. A caller must be able to distinguish them from a
    // failure.
    fallback: (request, response) =>
      refuseUnknown(request as Http2ServerRequest, response as Http2ServerResponse),
  })
  const server = createServer((request, response) => {
    // Callers set it to a socket's path, escaped or not, or to nothing. It has no meaning on a unix socket.
    request.headers[':authority'] = 'localhost'
    handle(request, response)
  })
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    // A caller that uses another protocol, or disconnects during a call, must not end the server.
    session.on('error', () => {}).on('close', () => sessions.delete(session))
  })
  server.on('sessionError', () => {})
  await listenAt(server, path)
  const { ino } = lstatSync(path)
  return {
    async [Symbol.asyncDispose]() {
      removeSocket(path, ino)
      server.close()
      await Promise.race([idle(), new Promise((resolve) => setTimeout(resolve, DRAIN_DEADLINE_MS).unref())])
      for (const session of sessions) session.close()
      setTimeout(() => {
        for (const session of sessions) session.destroy()
      }, CLOSE_DEADLINE_MS).unref()
    },
  }
}

/**
 * Answers UNIMPLEMENTED. An answer that consists of a status only must end its stream with its first frame: otherwise
 * grpc-go ignores the status and reports Internal, "server closed the stream without sending trailers" (gRPC over HTTP/2:
 * Trailers-Only).
 */
function refuseUnknown(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const { stream } = response
  if (stream.destroyed) return
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': String(Code.Unimplemented),
      'grpc-message': encodeURIComponent(`${request.url} is not served`)
        .replaceAll('%20', ' ')
        .replaceAll('%2F', '/'),
    },
    { endStream: true },
  )
  // The rest of the request is read and discarded.
  request.resume()
}
