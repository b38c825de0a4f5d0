import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'

import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import type { Chap, Secret } from '../../model/secret.ts'
import type { Host } from '../host.ts'
import { readInitiatorName } from '../read/node.ts'
import { writeDurable } from '../store/durable.ts'
import { nodeDatabase } from './database.ts'
import { chapIn, siteAlgorithms } from './known-chap.ts'
import { findNodeRecord } from './node-record.ts'
import { withCredentials } from './record-text.ts'
import { withConnection } from './client/connection.ts'
import { parseAlgorithms } from './client/chap.ts'

/**
 * Whether the node record of ours for a portal has other credentials than these: they were changed at the target since
 * the record was made. iscsiadm logs in with what is in the record.
 */
export function hasOtherChap(host: Host, iqn: Iqn, portal: Portal, chap: Chap): boolean {
  const record = findNodeRecord(host, iqn, portal)
  if (!record?.ours) return false
  const known = chapIn(readFileSync(record.path, 'utf8'), () => siteAlgorithms(host))?.chap
  return !known || !isSame(known, chap)
}

/**
 * Asks the target to accept these credentials, in a conversation of our own, and puts them into our node record for the
 * next logins. A session that is up is not disturbed; iscsid knows the former ones of it until it ends.
 * @throws CHAP_FAILED the target does not accept them: the record keeps what it has · PORTAL_… TARGET_AWAY
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
  // Without a name iscsid cannot log in either, and says so.
  if (initiator !== null)
    await withConnection(
      { portal, initiator, target: iqn, chap, signal, ...(algorithms ? { algorithms } : {}) },
      async () => {},
    )
  const record = findNodeRecord(host, iqn, portal)
  // Gone, or written by another program meanwhile.
  if (!record?.ours) return
  const text = withCredentials(readFileSync(record.path, 'utf8'), chap)
  writeDurable(record.path, text, dirname(nodeDatabase(host)))
}

function isSame(one: Chap, other: Chap): boolean {
  const same = (a: { username: string; password: Secret }, b: { username: string; password: Secret }) =>
    a.username === b.username && a.password.reveal() === b.password.reveal()
  if (!same(one, other)) return false
  return one.mutual === null || other.mutual === null
    ? one.mutual === other.mutual
    : same(one.mutual, other.mutual)
}
