import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Hold } from '../../model/hold.ts'
import type { Session } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'

/**
 * Sets the recovery timer of a session. Never blocks.
 * @returns false if the kernel rejects it: during an outage the timer cannot be changed (EBUSY,
 *   drivers/scsi/scsi_transport_iscsi.c:iscsi_priv_session_attr_store)
 */
export function setRecovery(host: Host, session: Session, hold: Hold): boolean {
  const path = join(host.paths.sys, 'class/iscsi_session', `session${session.sid}`, 'recovery_tmo')
  try {
    // The kernel accepts "off", which it also prints, but rejects -1.
    writeFileSync(path, hold === 'forever' ? 'off' : String(hold))
    return true
  } catch {
    return false
  }
}
