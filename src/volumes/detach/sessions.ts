import { logout } from '../../host/iscsi/logout.ts'
import { findNodeRecord, removeNodeRecord } from '../../host/iscsi/node-record.ts'
import { forgetSession, isOurSession } from '../../host/iscsi/session-note.ts'
import { readDisks } from '../../host/read/disks.ts'
import { readSessions } from '../../host/read/sessions.ts'
import type { Portal } from '../../model/portal.ts'
import { formatPortal, samePortal } from '../../model/portal.ts'
import type { Session } from '../../model/snapshot.ts'
import { readRecords } from '../records.ts'
import type { Dismantling } from './dismantle.ts'

/**
 * Logs out of the sessions that we made and that nobody needs any more, and removes the node records
 * that we made for them. The target's lock is held: nobody can come to need one meanwhile.
 */
export async function endSessions(work: Dismantling): Promise<void> {
  const { host, found } = work
  const needed = portalsOfOthers(work)
  const isNeeded = (portal: Portal) => needed.some((other) => samePortal(other, portal))
  const own = found.record?.request.portals ?? []
  const portals = new Map(own.map((portal) => [formatPortal(portal), portal]))
  for (const session of readSessions(host.paths, found.iqn)) {
    if (!session.portal || isNeeded(session.portal)) continue
    if (!isOurs(work, session)) continue
    // Somebody's disk, even one that nobody seems to use: a session takes all its disks with it.
    const others = readDisks(host.paths, session, { identity: false }).filter(
      ({ state }) => state !== 'deleted',
    )
    if (others.length > 0) {
      work.steps.warn(`session ${session.sid} stays: it has ${others.length} disks that are not Lunkeeper's`)
      continue
    }
    await work.steps.step('logout', `session ${session.sid}`, () => logout(host, session.sid, work.signal))
    work.removed.sessions.push(session.sid)
    portals.set(formatPortal(session.portal), session.portal)
  }
  for (const portal of portals.values()) if (!isNeeded(portal)) await tidy(work, portal)
}

function isOurs({ host, found }: Dismantling, session: Session): boolean {
  // The note went with a boot or a lost /run; a node record of ours says as much.
  return isOurSession(host, session) || findNodeRecord(host, found.iqn, session.portal!)?.ours === true
}

function portalsOfOthers({ host, found }: Dismantling): Portal[] {
  return readRecords(host)
    .attachments.filter(({ request }) => request.iqn === found.iqn && request.lun !== found.lun)
    .flatMap(({ request }) => request.portals)
}

/** What was made for a session that is gone. A session that stays keeps its record: iscsid reads it again. */
async function tidy({ host, found, steps }: Dismantling, portal: Portal): Promise<void> {
  const where = formatPortal(portal)
  if (
    readSessions(host.paths, found.iqn).some(
      (session) => session.portal && samePortal(session.portal, portal),
    )
  )
    return
  if (findNodeRecord(host, found.iqn, portal)?.ours)
    await steps.step('remove-node-record', where, () => removeNodeRecord(host, found.iqn, portal))
  await steps.step('forget-session', where, () => forgetSession(host, found.iqn, portal))
}
