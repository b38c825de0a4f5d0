import { chmodSync, lstatSync } from 'node:fs'

import { findOpeners } from '../../host/disk/openers.ts'
import { failureReason } from '../../host/exec/run.ts'
import { isImmutable, setImmutable } from '../../host/fs/immutable.ts'
import type { Host } from '../../host/host.ts'
import { nodeDatabase } from '../../host/iscsi/database.ts'
import { removeNodeRecord } from '../../host/iscsi/node-record.ts'
import { ownNodeRecords } from '../../host/iscsi/own-records.ts'
import { withLock } from '../../host/lock/lock.ts'
import { removeHoldMap, setQueueing } from '../../host/map/hold-map.ts'
import { openCount } from '../../host/map/open-count.ts'
import { readBlockStat } from '../../host/read/block-stat.ts'
import { isFsAlive } from '../../host/read/file-systems.ts'
import { readableSecrets } from '../../host/read/iscsi-site.ts'
import { isHoldMap, readMap } from '../../host/read/maps.ts'
import { readMounts } from '../../host/read/mounts.ts'
import { readSessions } from '../../host/read/sessions.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { parseIqn } from '../../model/iqn.ts'
import { parsePortal } from '../../model/portal.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { mountLock, targetLock } from '../../state/records/locks.ts'
import { readRecords } from '../../state/records/volumes.ts'
import { sayOpeners } from '../../state/view/openers.ts'
import { mapUnowned } from '../checks/map-unowned.ts'
import { judgeNodeRecords } from '../checks/record-stale.ts'
import { detachFound } from '../../volumes/detach/detach.ts'
import { findVolume } from '../../volumes/detach/find.ts'
import type { OperationControl } from '../../volumes/step.ts'
import { changed } from './changed.ts'
import type { RepairStepOf } from './plan.ts'

// Immediately before it acts, each act checks again that what it repairs is still wrong.

const START_DEADLINE_MS = 60_000

/** Detaches a volume whose attach or detach was interrupted. @throws CONFLICT it has been attached meanwhile · as detach */
export async function finishInterrupted(
  host: Host,
  { volume, phase }: RepairStepOf<'detach'>,
  control: OperationControl,
): Promise<void> {
  const find = () => {
    const found = findVolume(host, volume)
    if (found.record?.phase !== phase) throw changed(`${volume} is not ${phase} any more`)
    return found
  }
  await detachFound(host, find, control)
}

/** Removes a hold map that has no record, and that nothing has open. @throws CONFLICT BUSY MAP_FAILED */
export async function removeUnownedMap(
  host: Host,
  { map: name, device }: RepairStepOf<'remove-map'>,
): Promise<void> {
  const map = readMap(host.paths, device)
  if (!map || map.name !== name) return
  refuseOwned(host, map)
  const mount = readMounts(host.paths).find(({ devno }) => devno === map.devno)
  if (mount) throw new LunkeeperError('BUSY', `it is mounted at ${mount.point}`)
  if (map.holders.length > 0) throw new LunkeeperError('BUSY', `it is used by ${map.holders.join(', ')}`)
  if (isFsAlive(host.paths, device))
    throw new LunkeeperError('BUSY', 'its file system is alive in the kernel')
  const openers = await findOpeners(host, [{ name: device, devno: map.devno }])
  if (openers.length > 0) throw new LunkeeperError('BUSY', sayOpeners(openers))
  const stat = readBlockStat(host.paths, device)
  if (stat === null || stat.inFlight > 0) throw new LunkeeperError('BUSY', 'it holds I/O')
  if ((await openCount(host, map)) > 0)
    throw new LunkeeperError('BUSY', 'the kernel has it open: a mount in another namespace, a loop device')
  // An attach may have adopted it meanwhile.
  refuseOwned(host, map)
  // The kernel refuses to remove the map if a program opens it now; that program must not hang.
  await setQueueing(host, map, false)
  await removeHoldMap(host, map)
}

/** @throws CONFLICT */
function refuseOwned(host: Host, map: DmMap): void {
  const { attachments: records, corrupt } = readRecords(host)
  const owner = { records, corrupt, snapshot: { maps: [map], mounts: readMounts(host.paths) } }
  if (!isHoldMap(map) || mapUnowned.unowned(owner).length === 0) throw changed(`${map.name} has a record now`)
  if (corrupt.length > 0) throw changed('a record cannot be read, and may be for it')
}

/** Clears the flag that prevents writes to a bare mount point. @throws CONFLICT NO_PERMISSION */
export function unprotect(
  host: Host,
  { directory }: RepairStepOf<'unprotect'>,
  signal?: AbortSignal,
): Promise<void> {
  return withLock(...mountLock(host, directory, signal), () => unprotectLocked(host, directory))
}

async function unprotectLocked(host: Host, directory: string): Promise<void> {
  const { attachments, corrupt } = readRecords(host)
  const isRecorded = attachments.some(
    ({ protectedDirectory, request }) => protectedDirectory === directory || request.use.mount === directory,
  )
  if (isRecorded || corrupt.length > 0) throw changed(`${directory} is a volume's mount point`)
  if (readMounts(host.paths).some(({ point }) => point === directory))
    throw changed(`something is mounted at ${directory}`)
  if ((await isImmutable(host, directory)) !== true) return
  const why = await setImmutable(host, directory, false)
  if (why !== null) throw new LunkeeperError('NO_PERMISSION', `${directory} stays immutable: ${why}`)
}

/** Removes a node record of ours that nothing needs. @throws CONFLICT LOCKED DATABASE_FAILED */
export async function removeStaleRecord(
  host: Host,
  { iqn: target, portal: where }: RepairStepOf<'remove-node-record'>,
  signal?: AbortSignal,
): Promise<void> {
  const iqn = parseIqn(target)
  const portal = parsePortal(where)
  await withLock(...targetLock(host, { iqn }, 'doctor', signal), async () => {
    const { attachments, corrupt } = readRecords(host)
    const own = ownNodeRecords(host).filter((one) => one.iqn === iqn)
    const stale = judgeNodeRecords(own, attachments, readSessions(host.paths))
    if (corrupt.length > 0 || !stale.some(({ evidence }) => evidence['portal'] === where))
      throw changed(`${target} at ${where} is needed, or is no longer ours`)
    await removeNodeRecord(host, iqn, portal)
  })
}

/** Makes a file with a secret readable by its owner only. @throws CONFLICT NO_PERMISSION */
export function restrict(host: Host, { path }: RepairStepOf<'restrict'>): void {
  if (!readableSecrets(host.paths, nodeDatabase(host)).some((one) => one.path === path)) return
  const { mode } = lstatSync(path)
  // Through a link, the mode of another file would change.
  if (!lstatSync(path).isFile()) throw changed(`${path} is not a plain file`)
  try {
    chmodSync(path, mode & 0o700)
  } catch (cause) {
    throw new LunkeeperError('NO_PERMISSION', `${path}: ${(cause as Error).message}`, { cause })
  }
}

/** @throws INTERNAL the unit does not start */
export async function startUnit(
  host: Host,
  { unit }: RepairStepOf<'start'>,
  signal?: AbortSignal,
): Promise<void> {
  const ran = await host.run('systemctl', ['start', unit], { deadline: START_DEADLINE_MS, signal })
  if (ran.code !== 0) throw new LunkeeperError('INTERNAL', `systemctl start ${unit}: ${failureReason(ran)}`)
}
