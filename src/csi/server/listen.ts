import { lstatSync } from 'node:fs'
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2'
import { createServer } from 'node:http2'

import type { ConnectRouter } from '@connectrpc/connect'
import { Code } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'

import { leave, listenAt } from './endpoint.ts'

/** Attributes are at most 4 KiB, and secrets little more; nothing that is larger is meant well. */
const MAX_REQUEST = 1 << 20

/** Milliseconds. As long as a process that is told to stop waits for calls that are at work. */
const LEAVE = 20_000

/**
 * Serves gRPC on a unix socket. Disposed of, it takes no more calls, lets those at work end, and removes the socket.
 * @param idle resolves when no call is at work that has to come to its end
 * @throws CONFLICT USAGE RECORD_UNWRITABLE
 */
export async function listenGrpc(
  path: string,
  routes: (router: ConnectRouter) => void,
  idle: () => Promise<void>,
): Promise<AsyncDisposable> {
  const handle = connectNodeAdapter({
    routes,
    // Only gRPC: a kubelet speaks nothing else.
    connect: false,
    grpcWeb: false,
    readMaxBytes: MAX_REQUEST,
    // What is not in our protocol: to a caller the same as a call that a driver lacks.
    fallback: (request, response) =>
      refuseUnknown(request as Http2ServerRequest, response as Http2ServerResponse),
  })
  const server = createServer((request, response) => {
    // Callers put there what they like: a socket's path, escaped or not, or nothing. It means nothing here.
    request.headers[':authority'] = 'localhost'
    handle(request, response)
  })
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    // A caller that speaks something else, or hangs up in the middle: no reason to end.
    session.on('error', () => {}).on('close', () => sessions.delete(session))
  })
  server.on('sessionError', () => {})
  await listenAt(server, path)
  const { ino } = lstatSync(path)
  return {
    async [Symbol.asyncDispose]() {
      leave(path, ino)
      server.close()
      await Promise.race([idle(), new Promise((resolve) => setTimeout(resolve, LEAVE).unref())])
      for (const session of sessions) session.close()
      setTimeout(() => {
        for (const session of sessions) session.destroy()
      }, 500).unref()
    },
  }
}

/**
 * An answer that is nothing but a status has to end its stream with its first frame: grpc-go takes the status from no other
 * headers, and says Internal, "server closed the stream without sending trailers" (gRPC over HTTP/2: Trailers-Only).
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
  // What it sends all the same is read and passed over.
  request.resume()
}
