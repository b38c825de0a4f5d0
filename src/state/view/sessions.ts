import type { Host } from '../../host/host.ts'
import { nodeScan } from '../../host/iscsi/node-record.ts'
import { readSnapshot } from '../../host/read/snapshot.ts'
import type { SessionStatus } from '../../model/attachment.ts'
import { formatHctl } from '../../model/hctl.ts'
import { formatPortal } from '../../model/portal.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { readRecords } from '../records/volumes.ts'

/** Every iSCSI session of the node with all its disks, and the owner of each. */
export function listSessions(host: Host): SessionStatus[] {
  const { attachments } = readRecords(host)
  const snapshot = readSnapshot(host.paths)
  const disksOf = Map.groupBy(snapshot.disks, ({ sid }) => sid)
  const owners = new Map(
    // If two records have one LUN, which should not happen, the first counts.
    attachments.toReversed().map(({ request, name }) => [`${request.iqn} ${request.lun}`, name]),
  )
  const mounted = new Set(snapshot.mounts.map(({ devno }) => devno))
  const alive = new Set(snapshot.fileSystems.map(({ device }) => device))
  return snapshot.sessions.map((session) => ({
    sid: session.sid,
    iqn: session.iqn,
    portal: session.portal && formatPortal(session.portal),
    state: session.state,
    recoveryTmo: session.recoveryTmo,
    scan: session.portal && nodeScan(host, session.iqn, session.portal),
    disks: (disksOf.get(session.sid) ?? []).map((disk) => ({
      hctl: formatHctl(disk.hctl),
      lun: disk.hctl.lun,
      disk: disk.name,
      state: disk.state,
      owner: owners.get(`${session.iqn} ${disk.hctl.lun}`) ?? strangerOf(mounted, alive, disk),
    })),
  }))
}

/** For a disk without a record: `foreign` if other software visibly uses it; otherwise a phantom. */
function strangerOf(
  mounted: ReadonlySet<string>,
  alive: ReadonlySet<string>,
  { name, devno, holders, partitions }: ScsiDisk,
): 'foreign' | 'phantom' {
  const isUsed =
    holders.length > 0 ||
    [devno, ...partitions.map((part) => part.devno)].some((one) => one !== null && mounted.has(one)) ||
    [name, ...partitions.map((part) => part.name)].some((one) => one !== null && alive.has(one))
  return isUsed ? 'foreign' : 'phantom'
}
