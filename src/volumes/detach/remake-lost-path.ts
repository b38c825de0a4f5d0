import { logout } from '../../host/iscsi/logout.ts'
import { probingInitiator, probeTarget } from '../../host/iscsi/probe.ts'
import { isOurSession } from '../../host/iscsi/session-note.ts'
import { withLock } from '../../host/lock/lock.ts'
import { readHoldMaps } from '../../host/map/hold-map.ts'
import { countDisks } from '../../host/read/disks.ts'
import { isHoldMap } from '../../host/read/maps.ts'
import { readSessions } from '../../host/read/sessions.ts'
import type { LunkeeperError } from '../../model/errors.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Portal } from '../../model/portal.ts'
import { samePortal } from '../../model/portal.ts'
import { targetLock } from '../../state/records/locks.ts'
import { isUp } from '../../state/view/volume.ts'
import { remakePath } from '../attach/remake-path.ts'
import { mustNotBeWritten } from '../holding/misplaced.ts'
import { isAllHeld } from '../holding/recovery-timers.ts'
import type { Dismantling } from './dismantle.ts'

/** A try to make a path to a volume that has none. */
export interface Remade {
  readonly isMade: boolean
  /** Why there is none; null where one was made, or none was sought. */
  readonly refusal: LunkeeperError | null
}

/** With force, a target that answers and takes no login is not waited for as long as iscsid would. */
const FORCED_LOGIN_MS = 10_000

const NOT_SOUGHT: Remade = { isMade: false, refusal: null }

/**
 * Makes a path to a volume on a hold map that has no path which could take I/O: the agent logs a lost session out while its target
 * is away. One path is enough for what is to be written out. A session that is lost is left to iscsid.
 * @throws CANCELLED, and errors that are not ours
 */
export async function remakeLostPath(work: Dismantling): Promise<Remade> {
  const { host, found, steps, signal, view, force } = work
  const { record } = found
  const { maps, sessions } = view()
  if (!record?.identity || !maps.some(isHoldMap) || sessions.some(isUp)) return NOT_SOUGHT
  if (mustNotBeWritten(host, record)) return NOT_SOUGHT
  const { iqn, portals } = record.request
  const lost = sessions.filter(({ session, disk }) => session.state !== 'LOGGED_IN' || disk !== null)
  const isLeft = (portal: Portal) =>
    lost.some(({ session }) => session.portal && samePortal(session.portal, portal))
  const stop = AbortSignal.any([
    ...(signal ? [signal] : []),
    ...(force ? [AbortSignal.timeout(FORCED_LOGIN_MS)] : []),
  ])
  const initiator = probingInitiator(host)
  const asked = await Promise.all(
    portals
      .filter((portal) => !isLeft(portal))
      .map(async (portal) => ({
        portal,
        refusal: await probeTarget(portal, iqn, initiator, stop).then(() => null, refusalOf),
      })),
  )
  let refusal = asked.find((one) => one.refusal !== null)?.refusal ?? null
  for (const { portal } of asked.filter((one) => one.refusal === null))
    try {
      const lock = targetLock(host, record.request, 'detach', stop)
      await withLock(...lock, async () => {
        await remakePath({ host, record, steps, signal: stop }, portal)
        await endLostSessions(work)
      })
      return { isMade: true, refusal: null }
    } catch (error) {
      if (signal?.aborted) throw error
      refusal = refusalOf(error)
    }
  return { isMade: false, refusal }
}

/**
 * Logs out the lost sessions that only hold maps use, which then queue the I/O again. A session without an agent holds
 * I/O for as long as its timer says, and until then the kernel cannot replace the table of the map.
 */
async function endLostSessions({ host, found, steps, signal, view }: Dismantling): Promise<void> {
  const map = view().maps.find(isHoldMap)
  // I/O of a map that does not queue would fail.
  if (!map || (await readHoldMaps(host)).get(map.name)?.queueing !== true) return
  for (const session of readSessions(host.paths, found.iqn)) {
    const isLost = session.state !== 'LOGGED_IN' && countDisks(host.paths, session) > 0
    if (isLost && isOurSession(host, session) && isAllHeld(host, session))
      await steps.step('logout', `session ${session.sid}`, () => logout(host, session.sid, signal))
  }
}

/** Why a path is missing. @throws an error that does not explain that */
function refusalOf(error: unknown): LunkeeperError {
  if (!isLunkeeperError(error)) throw error
  return error
}
