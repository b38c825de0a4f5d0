import { probingInitiator, probeTarget } from '../../host/iscsi/probe.ts'
import { withLock } from '../../host/lock/lock.ts'
import { isAgentRunning } from '../../state/records/agent-lock.ts'
import { mustNotBeWritten } from '../holding/misplaced.ts'
import { readHoldNote } from '../../state/records/hold-note.ts'
import { targetLock } from '../../state/records/locks.ts'
import { remakePath } from '../attach/remake-path.ts'
import type { PathDisk } from '../holding/map-paths.ts'
import { addToMap } from '../holding/map-paths.ts'
import { hasDisks, isHoldMap } from '../../host/read/maps.ts'
import type { LunkeeperError } from '../../model/errors.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { DmMap, ScsiDisk } from '../../model/snapshot.ts'
import { isUp } from '../../state/view/volume.ts'
import type { Dismantling } from './dismantle.ts'
import type { Judged } from './judge.ts'

/**
 * Makes a path to a volume whose hold map has no disk any more: the agent logs a lost session out while its target is away. One path
 * is enough for what is to be written out. With force nothing is waited for: what cannot be written now is discarded.
 * @returns why there is none; null: there is one, or none is sought
 * @throws CANCELLED, and errors that are not ours
 */
export async function remakeLostPath(work: Dismantling): Promise<LunkeeperError | null> {
  const { host, found, steps, signal, view, force } = work
  const { record } = found
  const { maps, sessions } = view()
  const map = maps.find(isHoldMap)
  const hasPath = map && (hasDisks(host.paths, map) || sessions.some(({ disk }) => disk !== null))
  if (force || !record || !map || hasPath || mustNotBeWritten(host, record)) return null
  const { iqn, portals } = record.request
  const stop = signal ?? new AbortController().signal
  const asked = await Promise.all(
    portals.map((portal) =>
      probeTarget(portal, iqn, probingInitiator(host), stop).then(() => null, refusalOf),
    ),
  )
  let refusal = asked.find((one) => one !== null) ?? null
  for (const portal of portals.filter((_, index) => asked[index] === null))
    try {
      const lock = targetLock(host, record.request, 'detach', signal)
      await withLock(...lock, () => remakePath({ host, record, steps, signal }, portal))
      return null
    } catch (error) {
      refusal = refusalOf(error)
    }
  return refusal
}

/** Why a path is not there. @throws an error that says nothing of the path */
function refusalOf(error: unknown): LunkeeperError {
  if (!isLunkeeperError(error) || error.code === 'CANCELLED') throw error
  return error
}

/**
 * Reinstates a returned path if no agent has done so: its disk has just proven to be the volume, so dirty data goes
 * there. Otherwise the unmount would wait for an available path, or fail for lack of one.
 * @throws MAP_FAILED
 */
export async function reconnect(
  { host, found, volume, view }: Dismantling,
  disks: readonly Judged[],
): Promise<void> {
  const map = view().maps.find(isHoldMap)
  if (!map || !found.record || mustNotBeWritten(host, found.record)) return
  // A map that is not holding has all its paths in use. After a detach that was killed the agent has brought none back.
  const isWatched = found.record.phase === 'ready' && readHoldNote(host, found.record.name) === null
  if (isWatched && (await isAgentRunning(host))) return
  const ours = disks.filter(({ verdict }) => verdict === 'ours').map(({ disk }) => disk)
  const paths = beneath(map, ours)
  // The agent, or this detach, has made new ones for a map that had lost its disks.
  await addToMap(host, volume, map, paths.length > 0 ? paths : unheld(ours))
}

/** Those of the disks that are paths of the map. */
const beneath = ({ device }: DmMap, disks: readonly ScsiDisk[]) =>
  disks.filter(({ holders }) => holders.includes(device)).flatMap(withNode)

const unheld = (disks: readonly ScsiDisk[]) =>
  disks.filter(({ holders }) => holders.length === 0).flatMap(withNode)

function withNode(disk: ScsiDisk): PathDisk[] {
  const { name, devno } = disk
  return name !== null && devno !== null ? [{ ...disk, name, devno }] : []
}

/** Another volume, or another owner: then no other path is brought back either. */
function refuseStranger(error: unknown): void {
  if (!isLunkeeperError(error) || error.code === 'IDENTITY_MISMATCH' || error.code === 'FENCED') throw error
}

/**
 * Reinstates paths that have failed while a detach writes out: the agent leaves a detach at work alone.
 * Each disk proves to be the volume, and this node's, before it gets I/O.
 * @throws as a proof · MAP_FAILED
 */
export async function reinstateFailedPaths({ host, found, volume, view }: Dismantling): Promise<void> {
  const { sessions, maps } = view()
  const map = maps.find(isHoldMap)
  if (!map || !found.record || mustNotBeWritten(host, found.record)) return
  // One after the other: a path that does not answer must not keep the next one out.
  const up = sessions.filter(isUp).flatMap(({ disk }) => disk ?? [])
  for (const disk of beneath(map, up)) await addToMap(host, volume, map, [disk]).catch(refuseStranger)
}
