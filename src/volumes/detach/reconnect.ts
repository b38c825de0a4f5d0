import { isAgentRunning } from '../../state/records/agent-lock.ts'
import { mustNotBeWritten } from '../holding/misplaced.ts'
import { readHoldNote } from '../../state/records/hold-note.ts'
import { putUnder } from '../holding/map-paths.ts'
import { isHoldMap } from '../../host/read/maps.ts'
import type { Dismantling } from './dismantle.ts'
import type { Judged } from './judge.ts'

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
  const proven = disks.flatMap(({ verdict, disk }) => {
    const { name, devno, holders } = disk
    const isIts = verdict === 'ours' && name !== null && devno !== null && holders.includes(map.device)
    return isIts ? [{ ...disk, name, devno }] : []
  })
  await putUnder(host, volume, map, proven)
}
