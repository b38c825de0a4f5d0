import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'

import { LunkeeperError } from '../../model/errors.ts'
import type { Portal } from '../../model/portal.ts'
import { formatPortal } from '../../model/portal.ts'

/** On a working network a target accepts a connection within this time; Linux sends a second SYN after 1 s. */
const DEADLINE_MS = 3_000

/** Two attempts of five seconds (resolv.conf(5)), and time to answer. Node cannot cancel a lookup, only abandon it. */
const LOOKUP_DEADLINE_MS = 12_000

/**
 * The portal with an address instead of a host name, because sessions are identified by address.
 * @throws PORTAL_UNREACHABLE the name does not resolve
 */
export async function resolvePortal(portal: Portal): Promise<Portal> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('no name server answers')), LOOKUP_DEADLINE_MS)
  try {
    const { address } = await Promise.race([lookup(portal.host), late])
    return { host: address, port: portal.port }
  } catch (cause) {
    throw new LunkeeperError(
      'PORTAL_UNREACHABLE',
      `the name ${portal.host} does not resolve: ${(cause as Error).message}`,
      { cause },
    )
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Returns if the portal accepts connections. Checked before iscsid is asked to log in, which by default retries for two
 * minutes, even after iscsiadm was killed.
 * @throws PORTAL_REFUSED PORTAL_SILENT PORTAL_UNREACHABLE CANCELLED
 */
export async function reachPortal(portal: Portal, signal?: AbortSignal): Promise<void> {
  const where = formatPortal(portal)
  if (signal?.aborted) throw new LunkeeperError('CANCELLED', `stopped before trying ${where}`)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect({ host: portal.host, port: portal.port, timeout: DEADLINE_MS })
  const timer = setTimeout(
    () =>
      reject(new LunkeeperError('PORTAL_SILENT', `${where} did not answer within ${DEADLINE_MS / 1000} s`)),
    DEADLINE_MS,
  )
  const cancel = () => reject(new LunkeeperError('CANCELLED', `stopped while trying ${where}`))
  signal?.addEventListener('abort', cancel, { once: true })
  socket.on('connect', resolve)
  socket.on('error', (cause: NodeJS.ErrnoException) => reject(reason(where, cause)))
  try {
    await promise
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', cancel)
    socket.destroy()
  }
}

function reason(where: string, cause: NodeJS.ErrnoException): LunkeeperError {
  if (cause.code === 'ECONNREFUSED')
    return new LunkeeperError('PORTAL_REFUSED', `${where} refuses connections`, { cause })
  if (cause.code === 'ETIMEDOUT')
    return new LunkeeperError('PORTAL_SILENT', `${where} does not answer`, { cause })
  return new LunkeeperError('PORTAL_UNREACHABLE', `${where} cannot be reached: ${cause.message}`, { cause })
}
