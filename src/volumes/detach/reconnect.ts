import { isAgentRunning } from '../../state/records/agent-lock.ts'
import { isMisplaced } from '../holding/misplaced.ts'
import { readHoldNote } from '../../state/records/hold-note.ts'
import { putUnder } from '../holding/map-paths.ts'
import { isHoldMap } from '../../host/read/maps.ts'
import type { Dismantling } from './dismantle.ts'
import type { Judged } from './judge.ts'

/**
 * Where no agent has put a lost path to use again: its disk has just told that it is the volume, so what is
 * unwritten goes there. Else the unmount would wait for a path that is there, or fail for want of it.
 * @throws MAP_FAILED
 */
export async function reconnect({ host, found, view }: Dismantling, disks: readonly Judged[]): Promise<void> {
  const map = view().maps.find(isHoldMap)
  // What a misplaced volume has in memory is not to reach it.
  if (!map || !found.record || isMisplaced(host, found.record)) return
  // An agent that holds nothing has all its paths in use.
  if (readHoldNote(host, found.record.name) === null && (await isAgentRunning(host))) return
  const proven = disks.flatMap(({ verdict, disk }) => {
    const { name, devno, holders } = disk
    const isIts = verdict === 'ours' && name !== null && devno !== null && holders.includes(map.device)
    return isIts ? [{ ...disk, name, devno }] : []
  })
  await putUnder(host, found.record, map, proven)
}
