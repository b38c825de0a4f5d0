import { dirname } from 'node:path'

import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import type { Chap, Secret } from '../../model/secret.ts'
import type { Host } from '../host.ts'
import { readText } from '../read/attribute.ts'
import { readInitiatorName } from '../read/node.ts'
import { writeDurable } from '../store/durable.ts'
import { nodeDatabase } from './database.ts'
import { chapIn, siteAlgorithms } from './known-chap.ts'
import { findNodeRecord } from './node-record.ts'
import { withCredentials } from './record-text.ts'
import { withConnection } from './client/connection.ts'
import { parseAlgorithms } from './client/chap.ts'

/**
 * Whether our node record for a portal has credentials other than these, because they were changed at the target after
 * the record was created. iscsiadm logs in with the credentials in the record.
 */
export function hasOtherChap(host: Host, iqn: Iqn, portal: Portal, chap: Chap): boolean {
  const record = findNodeRecord(host, iqn, portal)
  const text = record?.ours ? readText(record.path) : null
  if (text === null) return false
  const known = chapIn(text, () => siteAlgorithms(host))?.chap
  return !known || !isSame(known, chap)
}

/**
 * Logs in to the target with these credentials over a connection of our own, and then writes them to our node record for
 * future logins. An existing session is not affected: iscsid keeps its former credentials until the session ends.
 * @throws CHAP_FAILED the target does not accept them, and the record is not changed · PORTAL_… TARGET_AWAY
 *   LOGIN_FAILED NO_SPACE NO_PERMISSION RECORD_UNWRITABLE CANCELLED
 */
export async function renewChap(
  host: Host,
  iqn: Iqn,
  portal: Portal,
  chap: Chap,
  signal: AbortSignal,
): Promise<void> {
  const initiator = readInitiatorName(host.paths)
  const algorithms = parseAlgorithms(siteAlgorithms(host) ?? '')
  // Without an initiator name iscsid cannot log in either, and reports it.
  if (initiator !== null)
    await withConnection(
      { portal, initiator, target: iqn, chap, signal, ...(algorithms ? { algorithms } : {}) },
      async () => {},
    )
  const record = findNodeRecord(host, iqn, portal)
  const text = record?.ours ? readText(record.path) : null
  // Another program has removed or rewritten the record meanwhile.
  if (!record || text === null) return
  writeDurable(record.path, withCredentials(text, chap), dirname(nodeDatabase(host)))
}

function isSame(one: Chap, other: Chap): boolean {
  const same = (a: { username: string; password: Secret }, b: { username: string; password: Secret }) =>
    a.username === b.username && a.password.reveal() === b.password.reveal()
  if (!same(one, other)) return false
  return one.mutual === null || other.mutual === null
    ? one.mutual === other.mutual
    : same(one.mutual, other.mutual)
}
