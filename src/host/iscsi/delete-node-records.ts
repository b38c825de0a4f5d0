import { LunkeeperError } from '../../model/errors.ts'
import type { Iqn } from '../../model/iqn.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { repeatOnDatabaseError } from './record-race.ts'

/** iscsiadm waits for other programs that write records, for a few seconds at most. */
const DEADLINE_MS = 15_000

// open-iscsi include/iscsi_err.h. 21: no such record exists.
const OK = new Set([0, 21])

/**
 * Removes all node records of a target, including those of other programs, and the links to them. iscsiadm refuses to do so
 * for a portal that has a session.
 * @throws LEFT_BEHIND TIMEOUT
 */
export async function deleteNodeRecords(host: Host, iqn: Iqn): Promise<void> {
  const args = ['-m', 'node', '-o', 'delete', '-T', iqn]
  const ran = await repeatOnDatabaseError(() => host.run('iscsiadm', args, { deadline: DEADLINE_MS }))
  if (ran.code !== null && OK.has(ran.code)) return
  throw new LunkeeperError(
    'LEFT_BEHIND',
    `the node records of ${iqn} were not removed: ${failureReason(ran)}`,
  )
}
