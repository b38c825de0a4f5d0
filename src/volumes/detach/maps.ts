import { withClaim } from '../../host/disk/claim.ts'
import { forgetWwid, removeMap } from '../../host/map/multipath.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { disksOf } from '../look.ts'
import { describeUsers, deviceOfMap } from '../users.ts'
import type { Dismantling } from './dismantle.ts'
import { flushClaimed } from './flush.ts'

/** Flushes and removes the multipath maps of the volume, before their paths go. @throws BUSY FLUSH_FAILED MAP_FAILED */
export async function removeMaps(work: Dismantling): Promise<void> {
  const { host, found, steps, removed } = work
  const view = work.view()
  for (const map of view.maps) {
    await flushMap(work, map)
    await steps.step('remove-map', map.name, async () => {
      await removeMap(host, map.name)
      const disk = disksOf(view).find(({ name }) => name !== null)
      if (found.record?.knownToMultipath && disk) await forgetWwid(host, disk.name!)
    })
    removed.maps.push(map.name)
  }
}

async function flushMap(work: Dismantling, map: DmMap): Promise<void> {
  const device = deviceOfMap(map)
  const done = await withClaim(work.host, device.name, async (claim) => {
    await flushClaimed(work, device.name, claim)
    return true
  })
  if (!done) throw new LunkeeperError('BUSY', `${map.name} is in use: ${describeUsers(work.host, [device])}`)
}
