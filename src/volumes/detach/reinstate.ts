import { probingInitiator, probeTarget } from '../../host/iscsi/probe.ts'
import { withLock } from '../../host/lock/lock.ts'
import { isAgentRunning } from '../../state/records/agent-lock.ts'
import { mustNotBeWritten } from '../holding/misplaced.ts'
import { readHoldNote } from '../../state/records/hold-note.ts'
import { targetLock } from '../../state/records/locks.ts'
import { remakePath } from '../attach/remake-path.ts'
import type { PathDisk } from '../holding/map-paths.ts'
import { addToMap } from '../holding/map-paths.ts'
import { isHoldMap } from '../../host/read/maps.ts'
import type { LunkeeperError } from '../../model/errors.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Portal } from '../../model/portal.ts'
import { samePortal } from '../../model/portal.ts'
import type { DmMap, ScsiDisk } from '../../model/snapshot.ts'
import { isUp } from '../../state/view/volume.ts'
import type { Dismantling } from './dismantle.ts'
import type { Judged } from './judge.ts'

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
export async function remakeLostPath({
  host,
  found,
  steps,
  signal,
  view,
  force,
}: Dismantling): Promise<Remade> {
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

/**
 * Reinstates a returned path if no agent has done so: its disk has just proven to be the volume, so dirty data goes
 * there. Otherwise the unmount would wait for an available path, or fail because there is none.
 * @throws MAP_FAILED
 */
export async function reconnect(
  { host, found, volume, view }: Dismantling,
  disks: readonly Judged[],
  { isMade }: Remade,
): Promise<void> {
  const map = view().maps.find(isHoldMap)
  if (!map || !found.record || mustNotBeWritten(host, found.record)) return
  // A map that is not holding I/O uses all its paths. After a detach that was killed, the agent has brought none
  // back.
  const isWatched = found.record.phase === 'ready' && readHoldNote(host, found.record.name) === null
  if (isWatched && !isMade && (await isAgentRunning(host))) return
  const ours = disks.filter(({ verdict }) => verdict === 'ours').map(({ disk }) => disk)
  await addToMap(host, volume, map, pathsOf(map, ours))
}

/** Those of the disks that are paths of the map; else those that were made for a map that had lost its own. */
function pathsOf({ device }: DmMap, disks: readonly ScsiDisk[]): PathDisk[] {
  const beneath = disks.filter(({ holders }) => holders.includes(device))
  const paths = beneath.length > 0 ? beneath : disks.filter(({ holders }) => holders.length === 0)
  return paths.flatMap(withNode)
}

function withNode(disk: ScsiDisk): PathDisk[] {
  const { name, devno } = disk
  return name !== null && devno !== null ? [{ ...disk, name, devno }] : []
}

/** Throws if it is another volume, or has another owner: then no other path is brought back either. */
function refuseStranger(error: unknown): void {
  if (!isLunkeeperError(error) || error.code === 'IDENTITY_MISMATCH' || error.code === 'FENCED') throw error
}

/**
 * Reinstates paths that have failed while a detach writes out, or makes one: the agent leaves a detach at work alone.
 * Each disk proves to be the volume, and this node's, before it gets I/O.
 * @throws as a proof · MAP_FAILED
 */
export async function reinstateFailedPaths(work: Dismantling): Promise<void> {
  const { host, found, volume, view } = work
  if (!found.record || mustNotBeWritten(host, found.record)) return
  await remakeLostPath(work)
  const { sessions, maps } = view()
  const map = maps.find(isHoldMap)
  if (!map) return
  // One after the other: a path that does not answer must not keep the next one out.
  const up = sessions.filter(isUp).flatMap(({ disk }) => disk ?? [])
  for (const disk of pathsOf(map, up)) await addToMap(host, volume, map, [disk]).catch(refuseStranger)
}
