import { withExclusiveOpen } from '../../host/disk/exclusive-open.ts'
import { findOpeners } from '../../host/disk/openers.ts'
import type { Host } from '../../host/host.ts'
import { logout } from '../../host/iscsi/logout.ts'
import { withLock } from '../../host/lock/lock.ts'
import { readOwnDirtyBytes } from '../../host/memory/dirty-data.ts'
import { readBlockStat } from '../../host/read/block-stat.ts'
import { expectedDisks } from '../../host/read/disk-use.ts'
import { readSessionState } from '../../host/read/sessions.ts'
import { readSnapshot } from '../../host/read/snapshot.ts'
import { formatBytes } from '../../model/bytes.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { parseIqn } from '../../model/iqn.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { targetLock } from '../../state/records/locks.ts'
import { readRecords } from '../../state/records/volumes.ts'
import { sayOpeners } from '../../state/view/openers.ts'
import { listSessions } from '../../state/view/sessions.ts'
import { judgeUnused } from '../checks/session-unused.ts'
import { changed } from './changed.ts'
import { readDiskUse, whyKept } from './disk-use.ts'
import type { RepairStepOf } from './plan.ts'

/** Ends a session that retries a target that nothing uses. @throws CONFLICT BUSY LEFT_BEHIND */
export async function endUnusedSession(
  host: Host,
  { session: sid, iqn: target }: RepairStepOf<'logout'>,
  signal?: AbortSignal,
): Promise<void> {
  const iqn = parseIqn(target)
  await withLock(...targetLock(host, { iqn }, 'doctor', signal), async () => {
    const { attachments, corrupt } = readRecords(host)
    const ours = new Set<string>(attachments.map(({ request }) => request.iqn))
    const status = listSessions(host).filter((one) => one.sid === sid)
    if (status.length === 0) return
    if (corrupt.length > 0 || status[0]!.iqn !== target || judgeUnused(status, ours).length === 0)
      throw changed(`session ${sid} is logged in, or used`)
    const { sessions, disks } = readSnapshot(host.paths)
    const session = sessions.find((one) => one.sid === sid)
    const own = disks.filter((disk) => disk.sid === sid)
    const tables = expectedDisks(host.paths)
    for (const disk of session ? own : []) {
      // The disk is not running, because its session is lost. Every other condition is checked.
      const why =
        whyKept({ ...readDiskUse(host, session!, disk, tables), state: 'running' }) ??
        (await whyClaimed(host, disk))
      if (why !== null) throw new LunkeeperError('BUSY', `${disk.name ?? 'a disk'}: ${why}`)
    }
    const openers = await findOpeners(
      host,
      own.flatMap(({ name, devno, ...disk }) => (name && devno ? [{ ...disk, name, devno }] : [])),
    )
    if (openers.length > 0) throw new LunkeeperError('BUSY', sayOpeners(openers))
    await logout(host, sid, signal, () => {
      if (readSessionState(host.paths, sid) === 'LOGGED_IN')
        throw changed(`session ${sid} is logged in again`)
    })
  })
}

/**
 * Why a disk is in use although nothing visible uses it: btrfs, ZFS, swap, and a mount in another namespace claim it without a
 * trace in sysfs; I/O that waits for the target would be lost.
 * @throws STUCK
 */
async function whyClaimed(host: Host, disk: ScsiDisk): Promise<string | null> {
  if (disk.name === null) return null
  const stat = readBlockStat(host.paths, disk.name)
  if (stat !== null && stat.inFlight > 0) return 'I/O waits for its target'
  const bytes = disk.devno === null ? null : readOwnDirtyBytes(host.paths, disk.devno)
  if (bytes) return `${formatBytes(bytes)} wait to be written to it`
  for (const { name } of [disk, ...disk.partitions])
    if ((await withExclusiveOpen(host, name!, async () => true)) === null)
      return 'something has claimed it: a file system, swap, the kernel'
  return null
}
