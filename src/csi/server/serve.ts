import { Code } from '@connectrpc/connect'

import type { Host } from '../../host/host.ts'
import type { Observer } from '../../volumes/step.ts'
import type { Driver } from '../driver.ts'
import { TargetLimiter } from '../target-limiter.ts'
import { VolumeCalls } from '../volume-calls.ts'
import { Failures } from '../volume/failures.ts'
import { logCall, callRunner } from './calls.ts'
import { listenGrpc } from './listen.ts'
import { routes } from './routes.ts'

export interface CsiOptions {
  /** Path of the socket. */
  readonly path: string
  readonly name: string
  readonly nodeId: string
  readonly version: string
  /**
   * Whether to announce NodeGetVolumeHealth, which is alpha. It is always served.
   * @default false
   */
  readonly announceHealth?: boolean
  readonly observer: Observer
  readonly signal: AbortSignal
  /** Writes one line of the log. */
  readonly say: (line: string) => void
  /** Called at the end of each call, with its method and gRPC status. */
  readonly ended?: (method: string, code: string, milliseconds: number) => void
}

/**
 * Serves the Container Storage Interface of a node on a unix socket. When disposed of, it accepts no more calls, lets those
 * in progress end, and removes the socket.
 * @throws CONFLICT USAGE RECORD_UNWRITABLE
 */
export async function serveCsi(host: Host, options: CsiOptions): Promise<AsyncDisposable> {
  const { path, say, announceHealth = false } = options
  const volumeCalls = new VolumeCalls()
  const driver: Driver = {
    ...options,
    host,
    volumeCalls,
    targetLimiter: new TargetLimiter(),
    failures: new Failures(),
    announceHealth,
  }
  const runCall = callRunner((end) => {
    options.ended?.(end.method, end.error ? Code[end.error.code] : 'OK', end.milliseconds)
    logCall(say, end)
  })
  const service = await listenGrpc(path, routes(driver, runCall), () => volumeCalls.idle())
  say(`csi: ${options.name} on ${path}, as node ${options.nodeId}`)
  return service
}
