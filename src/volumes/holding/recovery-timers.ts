import type { Host } from '../../host/host.ts'
import { setRecovery } from '../../host/iscsi/recovery.ts'
import { isOurSession } from '../../host/iscsi/session-note.ts'
import { countDisks, readDisks } from '../../host/read/disks.ts'
import { isHoldMap, readMap } from '../../host/read/maps.ts'
import { readSessions } from '../../host/read/sessions.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { Hold } from '../../model/hold.ts'
import { longerHold } from '../../model/hold.ts'
import { safeHold } from '../../model/safe-hold.ts'
import type { Session } from '../../model/snapshot.ts'
import { lookAtVolume } from '../../state/view/volume.ts'

/**
 * Whether every disk of the session is below a hold map: then the session may fail fast and may be logged out.
 * @param name of the only hold map that counts. @default any
 */
export function isAllHeld(host: Host, session: Session, name?: string): boolean {
  return readDisks(host.paths, session, { identity: false }).every(({ holders }) => {
    const maps = holders.map((holder) => readMap(host.paths, holder))
    return (
      maps.length > 0 &&
      maps.every((map) => map !== null && isHoldMap(map) && (name === undefined || map.name === name))
    )
  })
}

/** Whether a session is ours and has disks, and all of them are below this hold map. @param name of the map */
export function isOnlyBeneath(host: Host, session: Session, name: string): boolean {
  // A session without a disk may be another program's login, which is FREE until it is complete.
  const hasDisks = countDisks(host.paths, session) > 0
  return hasDisks && isOurSession(host, session) && isAllHeld(host, session, name)
}

/**
 * Below a hold map the session must not hold I/O: a lost connection then reaches the map immediately, and no I/O
 * resumes to whichever volume answers when the target is back. Sessions with other users keep their timer.
 */
export function shortenTimers(host: Host, sessions: readonly Session[]): void {
  for (const session of sessions)
    if (session.recoveryTmo !== 0 && session.state === 'LOGGED_IN' && isAllHeld(host, session))
      setRecovery(host, session, 0)
}

/**
 * A volume that its session holds needs a session timer of that length. multipathd lowers the timer of the whole
 * session to its fast_io_fail_tmo whenever it sets up a map over any of its disks
 * (libmultipath/discovery.c:sysfs_set_session_tmo).
 * @returns the sessions whose timer was too short
 */
export function lengthenTimers(host: Host, record: Attachment): Session[] {
  const wanted = safeHold(record)
  return lookAtVolume(host, record.request).sessions.flatMap(({ session, disk }) => {
    const isShort = longerHold(session.recoveryTmo, wanted) !== session.recoveryTmo
    return disk && isShort && session.state === 'LOGGED_IN' && setRecovery(host, session, wanted)
      ? [session]
      : []
  })
}

/** Called before the agent stops: the session then recovers lost connections without the agent. */
export function relax(host: Host, attachments: readonly Attachment[]): void {
  const iqns = new Set(attachments.map(({ request }) => request.iqn))
  for (const iqn of iqns) {
    const wanted = attachments
      .filter(({ request }) => request.iqn === iqn)
      .map(safeHold)
      .reduce<Hold>(longerHold, 0)
    for (const session of readSessions(host.paths, iqn))
      if (longerHold(session.recoveryTmo, wanted) !== session.recoveryTmo) setRecovery(host, session, wanted)
  }
}
