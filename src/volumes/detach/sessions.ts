import { logout } from '../../host/iscsi/logout.ts'
import { findNodeRecord, removeNodeRecord } from '../../host/iscsi/node-record.ts'
import { forgetSession, isOurSession } from '../../host/iscsi/session-note.ts'
import { countDisks } from '../../host/read/disks.ts'
import { readSessions } from '../../host/read/sessions.ts'
import type { Portal } from '../../model/portal.ts'
import { formatPortal, samePortal } from '../../model/portal.ts'
import type { Session } from '../../model/snapshot.ts'
import { removeLeftovers } from '../../state/records/leftovers.ts'
import { readRecords } from '../../state/records/volumes.ts'
import type { Dismantling } from './dismantle.ts'

/**
 * Logs out of sessions that we created and that are no longer needed, and removes the node records that we created
 * for them. The target's lock is held, so that no operation can start to need one meanwhile.
 */
export async function endSessions(work: Dismantling): Promise<void> {
  const { host, found, steps, removed } = work
  removeLeftovers(host)
  const own = found.record?.request.portals ?? []
  const portals = new Map(own.map((portal) => [formatPortal(portal), portal]))
  const sessions = readSessions(host.paths, found.iqn)
  // A disk may belong to another owner, even if it has no visible user: a session's logout removes all its disks.
  const bare = sessions.filter((session) => countDisks(host.paths, session) === 0)
  if (sessions.length > 0 && bare.length === 0) return
  const needed = portalsOfOthers(work)
  const isNeeded = (portal: Portal) => needed.some((other) => samePortal(other, portal))
  for (const session of bare) {
    if (!session.portal || isNeeded(session.portal) || !isOurs(work, session)) continue
    await steps.step('logout', `session ${session.sid}`, () => logout(host, session.sid, work.signal))
    removed.sessions.push(session.sid)
    portals.set(formatPortal(session.portal), session.portal)
  }
  for (const portal of portals.values()) if (!isNeeded(portal)) await tidy(work, portal)
}

function isOurs({ host, found }: Dismantling, session: Session): boolean {
  // The note was lost with a reboot or with /run; our node record proves the same.
  return isOurSession(host, session) || findNodeRecord(host, found.iqn, session.portal!)?.ours === true
}

function portalsOfOthers({ host, found }: Dismantling): Portal[] {
  return readRecords(host)
    .attachments.filter(({ request, name }) => request.iqn === found.iqn && name !== found.name)
    .flatMap(({ request }) => request.portals)
}

/** Records created for a session that is gone. A session that stays keeps its record: iscsid reads it again. */
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
