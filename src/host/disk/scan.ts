import { join } from 'node:path'

import type { Lun } from '../../model/lun.ts'
import type { Session } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'
import { writeUnderScanMutex } from './scan-mutex.ts'

/**
 * Makes the kernel look for exactly one LUN of one session: not for LUN 0, and without REPORT LUNS
 * (drivers/scsi/scsi_scan.c:__scsi_scan_target). The kernel reports success even if there is no such LUN, the session is
 * lost, or the disk exists already, so the caller must look for the disk.
 * @throws STUCK · NOT_FOUND the session has ended
 */
export async function scanLun(host: Host, session: Session, lun: Lun): Promise<void> {
  const path = join(host.paths.sys, 'class/scsi_host', `host${session.host}`, 'scan')
  // iscsi_tcp has one channel, and one target for each session (iscsi_user_scan_session).
  await writeUnderScanMutex(host, session.host, path, `0 ${session.targetId ?? 0} ${lun}`)
}
