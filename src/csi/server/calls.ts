import type { ConnectError } from '@connectrpc/connect'
import { Code } from '@connectrpc/connect'

import { isLunkeeperError } from '../../model/errors.ts'
import { toStatus } from '../status.ts'
import { CallPacer } from './call-pacer.ts'

/** Reported for each finished call. `error` is null on success. */
export interface CallEnd {
  readonly method: string
  readonly volumeId: string | null
  readonly milliseconds: number
  readonly error: ConnectError | null
  /** What was thrown, for the log; it may be a mistake of ours. */
  readonly cause: unknown
}

/** Runs a call in turn, reports its result, and converts any error to a gRPC status. */
export type RunCall = <T>(method: string, volumeId: string | null, work: () => T | Promise<T>) => Promise<T>

export function callRunner(ended: (end: CallEnd) => void): RunCall {
  const pacer = new CallPacer()
  return async (method, volumeId, work) => {
    const started = performance.now()
    const end = (error: ConnectError | null, cause: unknown) =>
      ended({ method, volumeId, milliseconds: performance.now() - started, error, cause })
    try {
      await pacer.turn()
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

/** Successful calls of these methods only read: they are not logged. */
const QUIET = /Probe|Stats|Health|Validate/

/** One line of the log, or two. */
export function logCall(
  say: (line: string) => void,
  { method, volumeId, milliseconds, error, cause }: CallEnd,
): void {
  if (!error && QUIET.test(method)) return
  const about = `csi: ${method}${volumeId === null ? '' : ` ${JSON.stringify(volumeId)}`}`
  const end = error ? `${Code[error.code]}: ${error.rawMessage}` : 'done'
  say(`${about}: ${end} (${Math.round(milliseconds)} ms)`)
  if (error?.code === Code.Internal && cause !== error && !isLunkeeperError(cause))
    say(`${about}: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`)
}
