import type { Host } from '../host/host.ts'
import { isOurSession } from '../host/iscsi/session-note.ts'
import { countDisks } from '../host/read/disks.ts'
import { readConnection } from '../host/read/sessions.ts'
import type { HeldPath, PortalFacts, ProbeResult } from '../model/plan/hold-facts.ts'
import { FAST_LOGIN_MAX_DISKS } from '../model/plan/hold-path.ts'
import type { Portal } from '../model/portal.ts'
import { formatPortal, samePortal } from '../model/portal.ts'
import type { VolumeView } from '../state/view/volume.ts'
import { isAllHeld } from '../volumes/holding/recovery-timers.ts'

/** The paths of a volume in the planner's form. */
export function heldPaths(host: Host, { sessions }: VolumeView, portals: readonly Portal[]): HeldPath[] {
  return sessions.flatMap(({ session, disk }) => {
    if (!disk) return []
    const { sid, portal, state } = session
    return [
      {
        sid,
        // In the form that the record uses.
        portal: portal && formatPortal(portals.find((known) => samePortal(known, portal)) ?? portal),
        devno: disk.devno ?? '',
        disk: disk.name ?? `LUN ${disk.hctl.lun}`,
        sessionState: state,
        diskState: disk.state,
        connection: readConnection(host.paths, sid),
      },
    ]
  })
}

/** The session that serves each of the volume's portals now; of several sessions, the one that is logged in. */
export function portalFacts(
  host: Host,
  { sessions }: VolumeView,
  portal: Portal,
  probe: ProbeResult | null,
): PortalFacts {
  const serving = sessions.filter(({ session }) => session.portal && samePortal(session.portal, portal))
  const session = (serving.find((one) => one.session.state === 'LOGGED_IN') ?? serving[0])?.session
  if (!session) return { portal: formatPortal(portal), session: null, probe }
  const { sid, state } = session
  // This matters only for a lost session, which a new login may replace, and only once its target is known to be
  // away or back.
  const isProbed = probe !== null && (probe.openSinceMs !== null || probe.closed !== null)
  const disks = state !== 'LOGGED_IN' && isProbed ? countDisks(host.paths, session) : null
  // This reads every disk of the session.
  const isFew = disks !== null && disks <= FAST_LOGIN_MAX_DISKS
  return {
    portal: formatPortal(portal),
    session: {
      sid,
      state,
      disks,
      isAllHeld: isFew ? isAllHeld(host, session) : null,
      isOurs: isFew && isOurSession(host, session),
    },
    probe,
  }
}
