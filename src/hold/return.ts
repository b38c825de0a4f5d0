import type { Host } from '../host/host.ts'
import { knownChap } from '../host/iscsi/known-chap.ts'
import { logout } from '../host/iscsi/logout.ts'
import { withLock } from '../host/lock/lock.ts'
import { readDisk } from '../host/read/disks.ts'
import type { Attachment } from '../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../model/errors.ts'
import type { Portal } from '../model/portal.ts'
import type { DmMap, ScsiDisk } from '../model/snapshot.ts'
import { refuseForeignHolders } from '../volumes/attach/foreign.ts'
import type { Path } from '../volumes/attach/path.ts'
import { bringPath, sessionOf } from '../volumes/attach/path.ts'
import { returnLock, targetLock } from '../state/records/locks.ts'
import { askDisk } from '../state/proof/ask.ts'
import { readRecord } from '../state/records/volumes.ts'
import type { Stepper } from '../volumes/step.ts'
import { expel } from './expel.ts'
import type { PathDisk } from '../volumes/holding/map-paths.ts'
import { putUnder, reinstate as reinstatePath } from '../volumes/holding/map-paths.ts'
import { isAllHeld } from '../volumes/holding/recovery-timers.ts'

export interface Return {
  readonly host: Host
  readonly record: Attachment
  readonly map: DmMap
  readonly steps: Stepper
  readonly signal: AbortSignal
}

/**
 * Asks the disk of a path which volume it is now.
 * @throws IDENTITY_MISMATCH TARGET_AWAY IDENTITY_UNREADABLE LUN_ABSENT STUCK
 */
export async function prove(
  { host, record }: Pick<Return, 'host' | 'record'>,
  disk: ScsiDisk,
): Promise<void> {
  const { error } = await askDisk(host, disk, record.identity, { fence: record.fence })
  if (error) throw error
}

/**
 * Lets I/O go through a path that the map has, and whose session is back, once it has proven to be the volume.
 * One that is another volume leaves the map and the node.
 * @throws IDENTITY_MISMATCH TARGET_AWAY IDENTITY_UNREADABLE LUN_ABSENT STUCK MAP_FAILED
 */
export async function reinstate({ host, record, map }: Return, disk: PathDisk): Promise<void> {
  try {
    await reinstatePath(host, record, map, disk)
  } catch (error) {
    if (isLunkeeperError(error, 'IDENTITY_MISMATCH')) await expel(host, record, disk)
    throw error
  }
}

/**
 * Tries to bring one path of a held volume back: through the session that serves its portal, or a new
 * one; whatever is on the other side then says who it is before any I/O reaches it.
 * @throws TARGET_AWAY its session is lost, and others need it · and whatever else stands in the way
 */
export async function bringBack(work: Return, portal: Portal): Promise<Path> {
  const { host, record, map } = work
  return withLock(...returnLock(host, record, work.signal), async (wanted) => {
    // A login at a target that has just gone lasts 15 s: whoever takes the volume off does not wait for that.
    const signal = AbortSignal.any([work.signal, wanted])
    const now = readRecord(host, record.name)
    if (now?.phase !== 'ready') throw signal.reason ?? new Error(`${record.name} is ${now?.phase ?? 'gone'}`)
    const path = await withLock(...targetLock(host, record.request, 'return', signal), async () => {
      await endLost({ ...work, signal }, portal)
      return newPath({ ...work, record: now, signal }, portal)
    })
    refuseForeignHolders(host, [path], record.request.hold.wanted)
    await putUnder(host, now, map, [path.disk])
    return path
  })
}

/** With its volumes on hold maps a lost session can go: nothing is lost with it, and a new login is quicker. */
async function endLost({ host, record, steps, signal }: Return, portal: Portal): Promise<void> {
  const lost = sessionOf(host, record.request, portal)
  if (!lost || lost.state === 'LOGGED_IN') return
  if (!isAllHeld(host, lost))
    throw new LunkeeperError('TARGET_AWAY', `session ${lost.sid} is ${lost.state}, and not ours alone`)
  await steps.step('logout', `session ${lost.sid}`, () => logout(host, lost.sid, signal))
}

async function newPath({ host, record, steps, signal }: Return, portal: Portal): Promise<Path> {
  const { request, identity } = record
  try {
    return await bringPath(
      {
        host,
        request,
        // A new address takes the credentials that the volume's other portals have.
        chap: knownChap(host, request.iqn, request.portals)?.chap ?? null,
        recovery: 0,
        mark: 'hold',
        // Not by size: it may have grown meanwhile; a table longer than its disk the kernel refuses.
        expected: { wwid: identity?.wwid, serial: identity?.serial },
        scanned: new Set(),
        steps,
      },
      portal,
      signal,
    )
  } catch (error) {
    const session = isLunkeeperError(error, 'IDENTITY_MISMATCH') && sessionOf(host, request, portal)
    const foreign = session && readDisk(host.paths, session, request.lun)
    if (foreign) await expel(host, record, foreign)
    throw error
  }
}
