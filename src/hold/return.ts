import type { Host } from '../host/host.ts'
import { logout } from '../host/iscsi/logout.ts'
import { probeTarget } from '../host/iscsi/probe.ts'
import { readInitiatorName } from '../host/read/node.ts'
import { withLock } from '../host/lock/lock.ts'
import type { Attachment } from '../model/attachment.ts'
import { LunkeeperError } from '../model/errors.ts'
import type { Portal } from '../model/portal.ts'
import { formatHctl } from '../model/hctl.ts'
import { identityDifference } from '../model/identity.ts'
import { identify } from '../host/disk/identify.ts'
import { reinstatePath } from '../host/map/hold-map.ts'
import { countDisks } from '../host/read/disks.ts'
import type { DmMap, ScsiDisk } from '../model/snapshot.ts'
import type { Path } from '../volumes/attach/path.ts'
import { bringPath, sessionOf } from '../volumes/attach/path.ts'
import { targetLock, volumeLock } from '../volumes/locks.ts'
import { readRecord } from '../volumes/records.ts'
import type { Stepper } from '../volumes/step.ts'
import { putUnder } from './paths.ts'
import { isAllHeld } from './timers.ts'

/** Another operation on the volume goes first; there will be another try. */
const LOCK_DEADLINE = 500

/**
 * Once its portal accepts connections, iscsid is given so long to mend a lost session: it may be just
 * about to. Its own pause between tries is 2 s (DefaultTime2Wait), and nothing can be told to shorten it.
 */
const MEND = 250

/** With many disks on it, mending is quicker than making them all anew. */
const MEND_MANY = 5_000
const MANY = 8

const ANYBODY = 'iqn.2026-01.dev.lunkeeper:probe'

/** The target serves, and iscsid has not mended the session yet. */
export class SessionLost extends LunkeeperError {
  constructor(message: string) {
    super('TARGET_AWAY', message)
  }
}

export interface Return {
  readonly host: Host
  readonly record: Attachment
  readonly map: DmMap
  readonly steps: Stepper
  readonly signal: AbortSignal
}

/**
 * Puts a path that the map has, and whose session is back, to use again: once its disk has told who it is.
 * @throws IDENTITY_MISMATCH IDENTITY_UNREADABLE LUN_ABSENT STUCK MAP_FAILED
 */
export async function reinstate({ host, record, map }: Return, disk: ScsiDisk): Promise<void> {
  const { wwid, serial } = record.identity ?? {}
  const difference = identityDifference(await identify(host, disk), { wwid, serial })
  if (difference !== null)
    throw new LunkeeperError(
      'IDENTITY_MISMATCH',
      `${disk.name} at ${formatHctl(disk.hctl)} is not the volume expected: ${difference}`,
    )
  await reinstatePath(host, map, disk.devno!)
}

/**
 * Tries to bring one path of a held volume back: through the session that serves its portal, or a new
 * one; whatever is on the other side then says who it is before any I/O reaches it.
 * @param servesSince when the target was first seen to take logins while its session stayed lost
 *   (milliseconds of the monotonic clock); null: not yet
 * @throws TARGET_AWAY it serves, and its session is still lost · and whatever else stands in the way
 */
export async function bringBack(work: Return, portal: Portal, servesSince: number | null): Promise<Path> {
  const { host, record, map, signal } = work
  const session = sessionOf(host, record.request, portal)
  if (session?.state !== 'LOGGED_IN')
    await probeTarget(portal, record.request.iqn, readInitiatorName(host.paths) ?? ANYBODY, signal)
  const waited = servesSince === null ? 0 : performance.now() - servesSince
  const [directory, key, options] = volumeLock(host, record.request, 'return', signal)
  return withLock(directory, key, { ...options, deadline: LOCK_DEADLINE }, async () => {
    const now = readRecord(host, record.name)
    if (now?.phase !== 'ready') throw signal.reason ?? new Error(`${record.name} is ${now?.phase ?? 'gone'}`)
    const path = await withLock(...targetLock(host, record.request, 'return', signal), async () => {
      const lost = sessionOf(host, record.request, portal)
      if (lost && lost.state !== 'LOGGED_IN') {
        const patience = countDisks(host.paths, lost) > MANY ? MEND_MANY : MEND
        if (waited < patience || !isAllHeld(host, lost))
          throw new SessionLost(`session ${lost.sid} is ${lost.state}`)
      }
      // With its volumes on hold maps it can go: nothing is lost with it, and a new login is quicker.
      if (lost && lost.state !== 'LOGGED_IN')
        await work.steps.step('logout', `session ${lost.sid}`, () => logout(host, lost.sid, signal))
      return bringPath(
        {
          host,
          request: now.request,
          chap: null,
          recovery: 0,
          // Not by size: it may have grown meanwhile; a table longer than its disk the kernel refuses.
          expected: { wwid: now.identity?.wwid, serial: now.identity?.serial },
          scanned: new Set(),
          steps: work.steps,
        },
        portal,
        signal,
      )
    })
    await putUnder(host, map, [path.disk])
    return path
  })
}
