import { join } from 'node:path'

import type { Lun } from '../../model/lun.ts'
import type { Session } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'
import { writeUnderScanMutex } from './scan-mutex.ts'

/**
 * Asks the kernel for exactly one LUN of one session: no LUN 0, no REPORT LUNS, no neighbours
 * (drivers/scsi/scsi_scan.c:__scsi_scan_target). The kernel reports success also if there is no such LUN, the session
 * is lost, or the disk exists already: check the result separately.
 * @throws STUCK
 */
export async function scanLun(host: Host, session: Session, lun: Lun): Promise<void> {
  const path = join(host.paths.sys, 'class/scsi_host', `host${session.host}`, 'scan')
  // iscsi_tcp has one channel; its target number is the session's (iscsi_user_scan_session).
  await writeUnderScanMutex(host, session.host, path, `0 ${session.targetId ?? 0} ${lun}`)
}
