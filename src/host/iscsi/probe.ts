import { randomBytes } from 'node:crypto'

import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import { formatPortal } from '../../model/portal.ts'
import type { Host } from '../host.ts'
import { readInitiatorName } from '../read/node.ts'
import { connectPortal } from './client/connect-portal.ts'
import { encode, encodeKeys, HEADER, OP } from './client/pdu.ts'

/** A target that is up answers a login request within milliseconds. */
const DEADLINE_MS = 1_000

/** For a node without an initiator name: the target rejects this name, and the rejection proves that it is up. */
const NO_INITIATOR = 'iqn.2026-01.dev.lunkeeper:probe'

/** The transit bit, from security negotiation to operational negotiation (RFC 7143, 11.12.3). */
const TRANSIT = 0x81
const STATUS_CLASS = 36
/** Status class of a target that is not available now. A redirect or a rejection comes from a target that is up. */
const TARGET_ERROR = 3

/** The name under which this node probes targets. */
export function probingInitiator({ paths }: Pick<Host, 'paths'>): string {
  return readInitiatorName(paths) ?? NO_INITIATOR
}

/**
 * Returns if the target accepts logins at this portal. Sends a first login request and closes the connection before a
 * session exists. A portal may accept connections before its target is up; a login by iscsid would then block its caller
 * for as long as iscsid retries.
 * @throws TARGET_AWAY PORTAL_REFUSED PORTAL_SILENT PORTAL_UNREACHABLE CANCELLED
 */
export async function probeTarget(
  portal: Portal,
  target: Iqn,
  initiator: string,
  signal: AbortSignal,
): Promise<void> {
  const where = formatPortal(portal)
  using connection = connectPortal(portal, signal, DEADLINE_MS)
  const { socket, failed, fail } = connection
  const { promise: answered, resolve } = Promise.withResolvers<void>()
  let received = Buffer.alloc(0)
  socket.on('connect', () => socket.write(loginRequest(target, initiator)))
  socket.on('data', (data) => {
    received = Buffer.concat([received, data])
    if (received.length < HEADER) return
    if (received[0] === OP.loginResponse && received[STATUS_CLASS] !== TARGET_ERROR) resolve()
    else fail('TARGET_AWAY', `${target} is not available at ${where}`)
  })
  socket.on('close', () => fail('TARGET_AWAY', `${where} closes the connection at once`))
  try {
    await Promise.race([answered, failed])
  } finally {
    socket.destroy()
  }
}

function loginRequest(target: Iqn, initiator: string): Buffer {
  const keys = {
    InitiatorName: initiator,
    TargetName: target,
    SessionType: 'Normal',
    AuthMethod: 'CHAP,None',
  }
  return encode((header) => {
    header[0] = OP.login
    header[1] = TRANSIT
    // A random session identifier (type 10b), so that no existing session is affected.
    header[8] = 0x80
    randomBytes(5).copy(header, 9)
  }, encodeKeys(keys))
}
