import type { ConnectError } from '@connectrpc/connect'
import { Code } from '@connectrpc/connect'

import { isLunkeeperError } from '../../model/errors.ts'
import { toStatus } from '../status.ts'
import { CallPacer } from './call-pacer.ts'

/** How a call ended. `error` is null on success. */
export interface CallEnd {
  readonly method: string
  readonly volumeId: string | null
  readonly milliseconds: number
  readonly error: ConnectError | null
  /** The original error, for the log; it may be a bug of ours. */
  readonly cause: unknown
}

/** Runs a call when the pacer allows it, reports how it ended, and converts any error to a gRPC status. */
export type RunCall = <T>(method: string, volumeId: string | null, work: () => T | Promise<T>) => Promise<T>

/** @param ended called at the end of each call */
export function callRunner(ended: (end: CallEnd) => void): RunCall {
  const pacer = new CallPacer()
  return async (method, volumeId, work) => {
    const started = performance.now()
    const end = (error: ConnectError | null, cause: unknown) =>
      ended({ method, volumeId, milliseconds: performance.now() - started, error, cause })
    try {
      await pacer.next()
      const result = await work()
      end(null, null)
      return result
    } catch (cause) {
      const error = toStatus(cause, volumeId || null)
      end(error, cause)
      throw error
    }
  }
}

/** Methods that only read. Their successful calls are not logged. */
const UNLOGGED = /Probe|Stats|Health|Validate/

/** Logs the end of a call in one line; for a bug, its stack in a second one. */
export function logCall(
  say: (line: string) => void,
  { method, volumeId, milliseconds, error, cause }: CallEnd,
): void {
  if (!error && UNLOGGED.test(method)) return
  const about = `csi: ${method}${volumeId === null ? '' : ` ${JSON.stringify(volumeId)}`}`
  const end = error ? `${Code[error.code]}: ${error.rawMessage}` : 'done'
  say(`${about}: ${end} (${Math.round(milliseconds)} ms)`)
  if (error?.code === Code.Internal && cause !== error && !isLunkeeperError(cause))
    say(`${about}: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`)
}
