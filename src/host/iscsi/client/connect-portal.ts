import { connect, type Socket } from 'node:net'

import { LunkeeperError } from '../../../model/errors.ts'
import type { Portal } from '../../../model/portal.ts'
import { formatPortal } from '../../../model/portal.ts'

/** A connection to a portal. Disposing of it ends the wait for deadline and signal; the socket stays open. */
export interface PortalConnection extends Disposable {
  readonly socket: Socket
  /** Rejected with the first error; it never resolves. */
  readonly failed: Promise<never>
  readonly fail: (code: LunkeeperError['code'], message: string) => void
}

/**
 * Starts to connect to a portal. The connection fails with PORTAL_REFUSED, PORTAL_UNREACHABLE, PORTAL_SILENT at the
 * deadline, or CANCELLED by the signal.
 * @throws CANCELLED the signal is already aborted
 */
export function connectPortal(portal: Portal, signal: AbortSignal, deadlineMs: number): PortalConnection {
  const where = formatPortal(portal)
  if (signal.aborted) throw new LunkeeperError('CANCELLED', `stopped before asking ${where}`)
  const { promise: failed, reject } = Promise.withResolvers<never>()
  // An error after the answer is not read.
  failed.catch(() => {})
  const fail = (code: LunkeeperError['code'], message: string) => reject(new LunkeeperError(code, message))
  const socket = connect({ host: portal.host, port: portal.port })
  const timer = setTimeout(() => fail('PORTAL_SILENT', `${where} did not answer in time`), deadlineMs)
  const cancel = () => fail('CANCELLED', `stopped while asking ${where}`)
  signal.addEventListener('abort', cancel, { once: true })
  socket.on('error', ({ code, message }: NodeJS.ErrnoException) =>
    code === 'ECONNREFUSED'
      ? fail('PORTAL_REFUSED', `${where} refuses connections`)
      : fail('PORTAL_UNREACHABLE', `${where} cannot be reached: ${message}`),
  )
  return {
    socket,
    failed,
    fail,
    [Symbol.dispose]() {
      clearTimeout(timer)
      signal.removeEventListener('abort', cancel)
    },
  }
}
