import { removeTargetPath } from '../../host/fs/target-path.ts'
import { deleteNodeRecords } from '../../host/iscsi/delete-node-records.ts'
import { forgetSession } from '../../host/iscsi/session-note.ts'
import type { Host } from '../../host/host.ts'
import { mountAt, readMounts } from '../../host/read/mounts.ts'
import { readSessions } from '../../host/read/sessions.ts'
import { failsIo } from '../../model/disk-state.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { Portal } from '../../model/portal.ts'
import { samePortal } from '../../model/portal.ts'
import { attachmentOf } from '../../volumes/attach/intent.ts'
import { detachFound } from '../../volumes/detach/detach.ts'
import type { Found } from '../../volumes/detach/find.ts'
import { unmountProven } from '../../state/proof/unmount.ts'
import { readRecords } from '../../state/records/volumes.ts'
import type { Driver } from '../driver.ts'
import { volumeNameOf } from '../volume/name.ts'
import { isDeadMount } from '../volume/staged.ts'
import { takeOverSessions } from './inherit.ts'
import type { OldPublication } from './publication.ts'
import { isSessionOf, lookAtOld, oldMountAt, oldStateOf } from './publication.ts'
import type { OldState } from './state.ts'
import { forgetOldState } from './state.ts'

/**
 * Unpublishes a volume of the old driver from a target path.
 * @returns false if the volume is not the old driver's
 * @throws RECORD_CORRUPT
 */
export async function withdrawIfOld(driver: Driver, volumeId: string, target: string): Promise<boolean> {
  let state: OldState | null
  try {
    state = oldStateOf(driver, volumeId)
  } catch (error) {
    // Nothing is mounted there, so the state file is not needed for this path.
    if (!isLunkeeperError(error, 'RECORD_CORRUPT') || isMounted(driver.host, target)) throw error
    driver.observer.warn?.(volumeNameOf(volumeId), error.message)
    return false
  }
  if (state) await withdraw(driver, volumeId, state, target)
  return state !== null
}

function isMounted(host: Host, place: string): boolean {
  return readMounts(host.paths).some(({ point }) => point === place)
}

/**
 * Unmounts what the old driver published at a target path. With the last path the volume is detached as one of ours: it is
 * flushed, and then its disks, its unused sessions and the old driver's file are removed. After an interruption the next
 * call continues.
 */
async function withdraw(driver: Driver, volumeId: string, state: OldState, target: string): Promise<void> {
  const { host } = driver
  while (isDeadAt(host, target)) await unmountProven(host, { name: volumeId, identity: null }, target)
  const found = lookAtOld(host, state, target)
  const mount = oldMountAt(host, volumeId, state, found, target)
  if (found.mounts.some(({ point }) => point !== target)) {
    if (mount) await unmountProven(host, { name: volumeId, identity: null }, target)
    return removeTargetPath(host, target)
  }
  // A volume that is attached as ours by now is not affected by the old driver's file.
  const isOurs = attachmentOf(readRecords(host).attachments, state) !== undefined
  if (mount || !isOurs) await detachOld(driver, volumeId, state, found, target)
  await removeTargetPath(host, target)
  await removeRecords(host, state)
  forgetOldState(host, volumeId)
}

function isDeadAt(host: Host, target: string): boolean {
  const mount = mountAt(host.paths, target)
  return mount !== null && isDeadMount(host, mount)
}

async function detachOld(
  { host, observer, signal }: Driver,
  volumeId: string,
  state: OldState,
  found: OldPublication,
  target: string,
): Promise<void> {
  const name = volumeNameOf(volumeId)
  if (found.disks.length === 0 && found.strangers.length > 0) {
    const names = found.strangers.map((disk) => disk.name).join(', ')
    observer.warn?.(
      name,
      `${names} has this LUN, but is not the disk that the previous driver used: it is left alone`,
    )
    return
  }
  takeOverSessions(host, found)
  const force = isLost(state, found)
  if (force) observer.warn?.(name, 'the kernel has given up its disks: unwritten data is lost')
  const sids = new Set(found.sessions.map(({ sid }) => sid))
  await detachFound(host, () => foundAgain(host, volumeId, state, target), {
    force,
    mayTake: (session) => sids.has(session.sid) && isSessionOf(state, session),
    observer,
    signal,
  })
}

/** @throws CONFLICT BUSY it is in use meanwhile */
function foundAgain(host: Host, volumeId: string, state: OldState, target: string): Found {
  const { iqn, lun } = state
  const own = attachmentOf(readRecords(host).attachments, state)
  if (own) throw new LunkeeperError('CONFLICT', `LUN ${lun} of ${iqn} is attached as ${own.name}`)
  const others = lookAtOld(host, state, target).mounts.filter(({ point }) => point !== target)
  if (others.length > 0)
    throw new LunkeeperError(
      'BUSY',
      `${volumeId} is also mounted at ${others.map(({ point }) => point).join(', ')}`,
    )
  return { iqn, lun, record: null, name: volumeId, point: target }
}

/**
 * Whether the unwritten data is lost anyway: the sessions' timers have expired, and the kernel has failed all held I/O. I/O
 * that a map of multipathd holds can still be written.
 */
function isLost({ device }: OldState, { sessions, disks }: OldPublication): boolean {
  return (
    device.kind === 'disk' &&
    disks.length > 0 &&
    disks.every(({ state }) => failsIo(state)) &&
    sessions.every(({ state }) => state !== 'LOGGED_IN')
  )
}

/**
 * Removes the session notes and node records of sessions that have ended. If the old driver used discovery, it created
 * records of all portals of the target, and would have removed them all.
 */
async function removeRecords(host: Host, { iqn, portals, madeRecords }: OldState): Promise<void> {
  const sessions = readSessions(host.paths, iqn)
  const isThere = (one: Portal) => sessions.some(({ portal }) => portal && samePortal(portal, one))
  for (const portal of portals) if (!isThere(portal)) forgetSession(host, iqn, portal)
  const isNeeded = readRecords(host).attachments.some(({ request }) => request.iqn === iqn)
  if (madeRecords && sessions.length === 0 && !isNeeded) await deleteNodeRecords(host, iqn)
}
