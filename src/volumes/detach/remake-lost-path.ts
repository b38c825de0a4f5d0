import { probingInitiator, probeTarget } from '../../host/iscsi/probe.ts'
import { withLock } from '../../host/lock/lock.ts'
import { isHoldMap } from '../../host/read/maps.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { Portal } from '../../model/portal.ts'
import { samePortal } from '../../model/portal.ts'
import { targetLock } from '../../state/records/locks.ts'
import { isUp } from '../../state/view/volume.ts'
import { remakePath } from '../attach/remake-path.ts'
import { mustNotBeWritten } from '../holding/misplaced.ts'
import type { Dismantling } from './dismantle.ts'

/** A try to make a path to a volume that has none. */
export interface Remade {
  readonly isMade: boolean
  /** Why there is none; null where one was made, or none was sought. */
  readonly refusal: LunkeeperError | null
}

/** With force, or while data is being written out, a login is not waited for as long as iscsid would try. */
const BRIEF_MS = 10_000

const NOT_SOUGHT: Remade = { isMade: false, refusal: null }

/**
 * Makes a path to a volume on a hold map that has no path which could take I/O: the agent logs a lost session out while its target
 * is away. One path is enough for what is to be written out. A session that is lost is left to iscsid.
 * @param options.isBrief give up after 10 s
 * @throws CANCELLED, and errors that are not ours
 */
export async function remakeLostPath(work: Dismantling, { isBrief = work.force } = {}): Promise<Remade> {
  const { host, found, steps, signal, view } = work
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
    ...(isBrief ? [AbortSignal.timeout(BRIEF_MS)] : []),
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
  if (signal?.aborted) throw new LunkeeperError('CANCELLED', `stopped while ${found.name} was looked for`)
  let refusal = asked.find((one) => one.refusal !== null)?.refusal ?? null
  for (const { portal } of asked.filter((one) => one.refusal === null))
    try {
      const lock = targetLock(host, record.request, 'detach', stop)
      await withLock(...lock, () => remakePath({ host, record, steps, signal: stop }, portal))
      return { isMade: true, refusal: null }
    } catch (error) {
      if (signal?.aborted) throw error
      refusal = refusalOf(error)
    }
  return { isMade: false, refusal }
}

/** Why a path is missing. @throws an error that does not explain that */
function refusalOf(error: unknown): LunkeeperError {
  if (!isLunkeeperError(error)) throw error
  return error
}
