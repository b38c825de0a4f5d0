import { lstatSync } from 'node:fs'
import type { ServerHttp2Session } from 'node:http2'
import { createServer } from 'node:http2'

import { Code } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'

import type { Host } from '../../host/host.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Observer } from '../../volumes/step.ts'
import type { Driver } from '../driver.ts'
import { Gates } from '../gates.ts'
import { Turns } from '../turns.ts'
import { Failures } from '../volume/failures.ts'
import { leave, listenAt } from './endpoint.ts'
import type { CallEnd } from './routes.ts'
import { routes } from './routes.ts'

/** Attributes are at most 4 KiB, and secrets little more; nothing that is larger is meant well. */
const MAX_REQUEST = 1 << 20

/** As long as an agent that is told to stop waits for calls that are at work. */
const LEAVE = 20_000

export interface CsiOptions {
  /** Path of its socket. */
  readonly path: string
  readonly name: string
  readonly nodeId: string
  readonly version: string
  readonly observer: Observer
  readonly signal: AbortSignal
  /** One line of the log. */
  readonly say: (line: string) => void
  /** Told of each call that has ended. */
  readonly ended?: (method: string, code: string, milliseconds: number) => void
}

/**
 * Serves the Container Storage Interface on a unix socket. Disposed of, it takes no more calls, lets those at
 * work end, and removes the socket.
 * @throws CONFLICT USAGE RECORD_UNWRITABLE
 */
export async function serveCsi(host: Host, options: CsiOptions): Promise<AsyncDisposable> {
  const { path, say } = options
  const turns = new Turns()
  const driver: Driver = { ...options, host, turns, gates: new Gates(), failures: new Failures() }
  const handle = connectNodeAdapter({
    routes: routes(driver, (end) => {
      options.ended?.(end.method, end.error ? Code[end.error.code] : 'OK', end.milliseconds)
      tell(say, end)
    }),
    // Only gRPC: a kubelet speaks nothing else.
    connect: false,
    grpcWeb: false,
    readMaxBytes: MAX_REQUEST,
    // What is not in our protocol: to a caller the same as a call that a driver lacks.
    fallback: (_request, response) => {
      response.writeHead(200, {
        'content-type': 'application/grpc',
        'grpc-status': String(Code.Unimplemented),
      })
      response.end()
    },
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
  say(`csi: ${options.name} on ${path}, as node ${options.nodeId}`)
  return {
    async [Symbol.asyncDispose]() {
      leave(path, ino)
      server.close()
      await Promise.race([turns.idle(), new Promise((resolve) => setTimeout(resolve, LEAVE).unref())])
      for (const session of sessions) session.close()
      setTimeout(() => {
        for (const session of sessions) session.destroy()
      }, 500).unref()
    },
  }
}

/** Calls that only look and went well are not worth a line. */
const QUIET = /Probe|Stats|Health|Validate/

function tell(say: (line: string) => void, { method, volumeId, milliseconds, error, cause }: CallEnd): void {
  if (!error && QUIET.test(method)) return
  const about = `csi: ${method}${volumeId === null ? '' : ` ${JSON.stringify(volumeId)}`}`
  const end = error ? `${Code[error.code]}: ${error.rawMessage}` : 'done'
  say(`${about}: ${end} (${Math.round(milliseconds)} ms)`)
  if (error?.code === Code.Internal && cause !== error && !isLunkeeperError(cause))
    say(`${about}: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`)
}
