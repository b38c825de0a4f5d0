import { withExclusiveOpen } from '../../host/disk/exclusive-open.ts'
import { removeMap, removePartitionMap, stopQueueing } from '../../host/map/multipath.ts'
import { isGone } from '../../host/map/open-count.ts'
import { forgetWwid, knownWwids, multipathForm } from '../../host/map/wwids.ts'
import { isPartitionOfMultipath, readMap } from '../../host/read/maps.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { DmMap, ScsiDisk } from '../../model/snapshot.ts'
import { describeUsers, deviceOfMap } from '../../state/view/users.ts'
import type { Dismantling } from './dismantle.ts'
import { flushDevice } from './flush.ts'

/**
 * Flushes and removes the maps of the volume before their paths, then what was registered for it with
 * multipath-tools. If the volume is not writable, no dirty data is left (detach refused before, or discarded it). A
 * flush would then wait for as long as the map queues, so queueing is disabled.
 * @param disks the volume's own
 * @param isWritable whether the volume can take dirty data
 * @throws BUSY FLUSH_FAILED MAP_FAILED
 */
export async function removeMaps(
  work: Dismantling,
  disks: readonly ScsiDisk[],
  isWritable: boolean,
): Promise<void> {
  const { host, steps, removed } = work
  const { maps } = work.view()
  for (const map of maps) {
    if (!isWritable) await stopQueueing(host, map)
    for (const part of partitionsOf(work, map)) {
      await claimMap(work, part, isWritable)
      await steps.step('remove-map', part.name, () => removePartitionMap(host, part))
      removed.maps.push(part.name)
    }
    await claimMap(work, map, isWritable)
    await steps.step('remove-map', map.name, () => removeMap(host, map))
    removed.maps.push(map.name)
  }
  await forgetWwids(work, maps, disks)
}

function partitionsOf({ host }: Dismantling, map: DmMap): DmMap[] {
  const holders = map.holders.flatMap((holder) => readMap(host.paths, holder) ?? [])
  return holders.filter(isPartitionOfMultipath)
}

async function claimMap(work: Dismantling, map: DmMap, flush: boolean): Promise<void> {
  const device = deviceOfMap(map)
  const done = await withExclusiveOpen(
    work.host,
    device.name,
    async (claim) => {
      if (flush) await flushDevice(work, device, claim)
      return true
    },
    { patient: true },
  ).catch((error: unknown) => {
    if (isLunkeeperError(error, 'NOT_FOUND') && isGone(work.host, map)) return true
    throw error
  })
  if (!done)
    throw new LunkeeperError('BUSY', `${map.name} is in use: ${await describeUsers(work.host, [device])}`)
}

/** Even without a map: an attach or detach may have been interrupted in between. */
async function forgetWwids(
  { host, found }: Dismantling,
  maps: readonly DmMap[],
  disks: readonly ScsiDisk[],
): Promise<void> {
  if (!found.record?.knownToMultipath) return
  const wwids = [found.record.identity?.wwid, ...disks.map(({ cached }) => cached.wwid)]
  const names = new Set([
    ...maps.map(({ uuid }) => uuid.replace(/^mpath-/, '')),
    ...wwids.flatMap((wwid) => (wwid ? [multipathForm(wwid)] : [])),
  ])
  const known = knownWwids(host)
  for (const name of names) if (known.has(name)) await forgetWwid(host, name)
}
