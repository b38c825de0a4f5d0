import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import { formatPortal } from '../../model/portal.ts'
import type { Host } from '../host.ts'

/** A portal that accepted a connection a moment ago lists its targets in milliseconds. */
const DEADLINE_MS = 10_000

/**
 * Whether a portal lists a target for this node (SendTargets). No record is changed (`-o nonpersistent`).
 * @returns null if the portal gives no list
 */
export async function offersTarget(host: Host, portal: Portal, iqn: Iqn): Promise<boolean | null> {
  const where = formatPortal(portal)
  const args = ['-m', 'discoverydb', '-t', 'sendtargets', '-p', where, '-o', 'nonpersistent', '--discover']
  try {
    const ran = await host.run('iscsiadm', args, { deadline: DEADLINE_MS })
    // 21: the portal answered with an empty list.
    if (ran.code !== 0) return ran.code === 21 ? false : null
    return ran.stdout.split('\n').some((line) => line.split(' ')[1] === iqn)
  } catch {
    return null
  }
}
