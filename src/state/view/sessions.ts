import type { Host } from '../../host/host.ts'
import { nodeScan } from '../../host/iscsi/node-record.ts'
import { isFsAlive } from '../../host/read/file-systems.ts'
import { readSnapshot } from '../../host/read/snapshot.ts'
import type { Attachment, SessionStatus } from '../../model/attachment.ts'
import { formatHctl } from '../../model/hctl.ts'
import { formatPortal } from '../../model/portal.ts'
import type { ScsiDisk, Session, Snapshot } from '../../model/snapshot.ts'
import { readRecords } from '../records/volumes.ts'

/** Every iSCSI session of the node with all its disks, and the owner of each. */
export function listSessions(host: Host): SessionStatus[] {
  const { attachments } = readRecords(host)
  const snapshot = readSnapshot(host.paths)
  return snapshot.sessions.map((session) => ({
    sid: session.sid,
    iqn: session.iqn,
    portal: session.portal && formatPortal(session.portal),
    state: session.state,
    recoveryTmo: session.recoveryTmo,
    scan: session.portal && nodeScan(host, session.iqn, session.portal),
    disks: snapshot.disks
      .filter(({ sid }) => sid === session.sid)
      .map((disk) => ({
        hctl: formatHctl(disk.hctl),
        lun: disk.hctl.lun,
        disk: disk.name,
        state: disk.state,
        owner: ownerOf(host, attachments, snapshot, session, disk),
      })),
  }))
}

/** An attachment's name; `foreign` if other software visibly uses the disk; otherwise a phantom. */
function ownerOf(
  host: Host,
  attachments: readonly Attachment[],
  snapshot: Snapshot,
  session: Session,
  disk: ScsiDisk,
): string {
  const owner = attachments.find(
    ({ request }) => request.iqn === session.iqn && request.lun === disk.hctl.lun,
  )
  if (owner) return owner.name
  const devnos = new Set([disk.devno, ...disk.partitions.map(({ devno }) => devno)])
  const used =
    disk.holders.length > 0 ||
    snapshot.mounts.some(({ devno }) => devnos.has(devno)) ||
    [disk.name, ...disk.partitions.map(({ name }) => name)].some(
      (name) => name !== null && isFsAlive(host.paths, name),
    )
  return used ? 'foreign' : 'phantom'
}
