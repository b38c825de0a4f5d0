import { isAgentRunning } from '../../state/records/agent-lock.ts'
import { mustNotBeWritten } from '../holding/misplaced.ts'
import { readHoldNote } from '../../state/records/hold-note.ts'
import type { PathDisk } from '../holding/map-paths.ts'
import { addToMap } from '../holding/map-paths.ts'
import { isHoldMap } from '../../host/read/maps.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { DmMap, ScsiDisk } from '../../model/snapshot.ts'
import { isUp } from '../../state/view/volume.ts'
import type { Dismantling } from './dismantle.ts'
import type { Judged } from './judge.ts'
import type { Remade } from './remake-lost-path.ts'
import { remakeLostPath } from './remake-lost-path.ts'

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
