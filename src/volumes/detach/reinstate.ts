import { isAgentRunning } from '../../state/records/agent-lock.ts'
import { mustNotBeWritten } from '../holding/misplaced.ts'
import { readHoldNote } from '../../state/records/hold-note.ts'
import type { PathDisk } from '../holding/map-paths.ts'
import { addToMap, asPathDisk } from '../holding/map-paths.ts'
import { readPaths } from '../../host/map/hold-map.ts'
import { isHoldMap } from '../../host/read/maps.ts'
import { lockAndEndBlockedSessions } from '../holding/blocked-sessions.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { DmMap, ScsiDisk } from '../../model/snapshot.ts'
import { isUp } from '../../state/view/volume.ts'
import type { Dismantling } from './dismantle.ts'
import type { Judged } from './judge.ts'
import type { Remade } from './remake-lost-path.ts'
import { remakeLostPath } from './remake-lost-path.ts'

/**
 * Reinstates a returned path if no agent has done so: its disk has just proven to be the volume, so dirty data goes
 * there. Otherwise the unmount would wait for an available path, or fail because there is none.
 * @returns with force, why no path could be used; null: one is, or none is needed
 * @throws MAP_FAILED TARGET_AWAY, unless forced · CANCELLED
 */
export async function reconnect(
  work: Dismantling,
  disks: readonly Judged[],
  { isMade }: Remade,
): Promise<LunkeeperError | null> {
  const { host, found, force, view } = work
  const map = view().maps.find(isHoldMap)
  if (!map || !found.record || mustNotBeWritten(host, found.record)) return null
  // A map that is not holding I/O uses all its paths. After a detach that was killed, the agent has brought none
  // back.
  const isWatched = found.record.phase === 'ready' && readHoldNote(host, found.record.name) === null
  if (isWatched && !isMade && (await isAgentRunning(host))) return null
  const ours = disks.filter(({ verdict }) => verdict === 'ours').map(({ disk }) => disk)
  try {
    await use(work, map, pathsOf(map, ours))
    return null
  } catch (error) {
    if (!force || !isLunkeeperError(error) || error.code === 'CANCELLED') throw error
    return error
  }
}

/** Puts disks under the map. @throws as addToMap · TARGET_AWAY there is none, and no path carries I/O */
async function use(work: Dismantling, map: DmMap, paths: readonly PathDisk[]): Promise<void> {
  const { host, found, volume } = work
  await endBlocked(work, map)
  if (paths.length > 0) return addToMap(host, volume, map, paths)
  const isCarried = (await readPaths(host)).get(map.name)?.some(({ active }) => active)
  if (!isCarried) throw new LunkeeperError('TARGET_AWAY', `${found.name}: no path to the volume can be used`)
}

function endBlocked({ host, found: { iqn }, steps, signal }: Dismantling, map: DmMap): Promise<void> {
  return lockAndEndBlockedSessions({ host, iqn, steps, signal }, map, 'detach')
}

/** Those of the disks that are paths of the map; else those that were made for a map that had lost its own. */
function pathsOf({ device }: DmMap, disks: readonly ScsiDisk[]): PathDisk[] {
  const beneath = disks.filter(({ holders }) => holders.includes(device))
  const paths = beneath.length > 0 ? beneath : disks.filter(({ holders }) => holders.length === 0)
  return paths.flatMap((disk) => asPathDisk(disk) ?? [])
}

/** Throws if it is another volume, or has another owner: then no other path is brought back either. */
function refuseStranger(error: unknown): void {
  if (!isLunkeeperError(error) || error.code === 'IDENTITY_MISMATCH' || error.code === 'FENCED') throw error
}

/**
 * Reinstates paths that have failed while a detach writes out, or makes one: the agent leaves a detach at work alone.
 * Each disk proves to be the volume, and this node's, before it gets I/O.
 * @param signal aborted when the data is written, or is not going to be
 * @throws as a proof · MAP_FAILED
 */
export async function reinstateFailedPaths(work: Dismantling, signal: AbortSignal): Promise<void> {
  const { host, found, volume, view } = work
  if (!found.record || mustNotBeWritten(host, found.record)) return
  const either = { ...work, signal: work.signal ? AbortSignal.any([work.signal, signal]) : signal }
  await remakeLostPath(either, { isBrief: true })
  const { sessions, maps } = view()
  const map = maps.find(isHoldMap)
  const up = sessions.filter(isUp).flatMap(({ disk }) => disk ?? [])
  if (!map || up.length === 0) return
  await endBlocked(either, map)
  // One after the other: a path that does not answer must not keep the next one out.
  for (const disk of pathsOf(map, up)) {
    if (signal.aborted) return
    await addToMap(host, volume, map, [disk]).catch(refuseStranger)
  }
}
