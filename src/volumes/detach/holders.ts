import { removePartitionMap } from '../../host/map/multipath.ts'
import type { DiskHolder } from '../../host/read/holders.ts'
import { foreignHolders, holderOf, holdersOn } from '../../host/read/holders.ts'
import { isMultipath, isPartitionOfMultipath, readMap } from '../../host/read/maps.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { unmountProven } from '../../state/proof/unmount.ts'
import { describeStack, mountsOfBlock, remedyOf } from '../../state/view/holders.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { Dismantling } from './dismantle.ts'

/**
 * Refuses, before anything is removed, if a logical volume, an array or similar uses the volume. With force, its
 * mounts are unmounted and its maps removed, top first; an array is not ours to stop.
 * @param disks the volume's own: another volume's disk at its LUN is not examined
 * @throws BUSY naming the device and its users
 */
export async function clearHolders(work: Dismantling, disks: readonly ScsiDisk[]): Promise<void> {
  const { host, found, force } = work
  const first = holdersOfVolume(work, disks)
  if (first.length === 0) return
  if (force) await removeHolders(work, first)
  const holders = force ? holdersOfVolume(work, disks) : first
  if (holders.length === 0) return
  throw new LunkeeperError('BUSY', `${found.name} is in use: ${describeStack(host, holders).join('; ')}`, {
    hint: `Deactivate that first (${remedyOf(host, holders)}), then detach again.`,
  })
}

/** Devices directly on the volume that are not part of its attachment. */
function holdersOfVolume({ host: { paths }, view }: Dismantling, disks: readonly ScsiDisk[]): DiskHolder[] {
  const { maps } = view()
  const own = new Set(maps.map(({ device }) => device))
  const onMaps = maps
    .flatMap(({ holders }) => holders)
    .flatMap((device) => {
      const map = readMap(paths, device)
      // kpartx's maps of partitions are removed with the multipath map, unlike what is on them.
      return map && isPartitionOfMultipath(map) ? map.holders : [device]
    })
  const onDisks = disks.flatMap((disk) =>
    foreignHolders(paths, disk).filter(({ device }) => {
      const map = readMap(paths, device)
      return !own.has(device) && !(map && isMultipath(map))
    }),
  )
  const all = new Map(
    [...onMaps.map((device) => holderOf(paths, device)), ...onDisks].map((one) => [one.device, one]),
  )
  return [...all.values()]
}

async function removeHolders(work: Dismantling, holders: readonly DiskHolder[]): Promise<void> {
  const { host, steps, removed, volume } = work
  const above = holdersOn(
    host.paths,
    holders.map(({ device }) => device),
  )
  for (const { device, text, map } of [...holders, ...above].toReversed()) {
    for (const point of mountsOfBlock(host, device).toReversed()) {
      await steps.step('unmount', point, () => unmountProven(host, volume, point))
      removed.mounts.push(point)
    }
    const now = map === null ? null : readMap(host.paths, device)
    if (!now) continue
    steps.warn(`${text} is removed with the volume`)
    await steps.step('remove-map', now.name, () => removePartitionMap(host, now))
    removed.maps.push(now.name)
  }
}
