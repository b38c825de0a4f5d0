import type { Host } from '../../host/host.ts'
import { openCount } from '../../host/map/open-count.ts'
import { failsIo } from '../../model/disk-state.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { DmMap, ScsiDisk } from '../../model/snapshot.ts'
import { isUsedByKernel, lasting } from '../../state/view/openers.ts'
import { isUdev, mountsOf, usersOf } from '../../state/view/users.ts'
import { devicesOf } from '../../state/view/volume.ts'
import type { Dismantling } from './dismantle.ts'
import type { Judged } from './judge.ts'

/**
 * Why a program could have written data that is only in memory: a mount, a map's user, an open device; null if none
 * could. The last user that closes a device waits until the kernel has written all of it out. It has no descriptor
 * any more, but the kernel still counts the map as open.
 */
export async function whyUnwritten(work: Dismantling, disks: readonly Judged[]): Promise<string | null> {
  const { host, signal } = work
  const { maps } = work.view()
  const devices = devicesOf(
    maps,
    disks.map(({ disk }) => disk),
  )
  const inUse = 'is in use and cannot accept its unwritten data'
  if (devices.some((device) => mountsOf(host, device).length > 0)) return inUse
  if (maps.some(({ holders }) => holders.length > 0)) return inUse
  if (await staysOpen(host, maps, signal)) return inUse
  const users = await usersOf(host, devices)
  if (users.namespaces.length > 0 || users.processes.some((process) => !isUdev(process))) return inUse
  if (isUsedByKernel(host, devices)) return inUse
  const doubtful = maps.length > 0 ? undefined : disks.find((one) => mayHaveDirtyPages(work, one))
  return doubtful
    ? `may have unwritten data: the kernel holds the I/O of ${doubtful.disk.name}, and does not report how much there is`
    : null
}

/**
 * Whether pages of a raw disk that its users have closed may still be unwritten: they stay in its cache for as long
 * as anything has the disk open, such as a udev program that waits for it. The kernel does not report this: its
 * per-device counts are approximate, and before Linux 6.10 omit what a service or a pod has written
 * (mm/backing-dev.c:bdi_debug_stats_show).
 */
function mayHaveDirtyPages({ found: { record } }: Dismantling, { disk, error }: Judged): boolean {
  // The disk's I/O fails, so none of it is held.
  if (failsIo(disk.state) || error?.code === 'LUN_ABSENT') return false
  return isWritableRaw(record) && isHandedOut(record, disk)
}

/** Whether programs were given the volume as a raw device that they may write to. */
export function isWritableRaw(record: Attachment | null): record is Attachment {
  return (
    record !== null &&
    record.device !== null &&
    record.request.use.mount === null &&
    !record.request.use.readOnly
  )
}

/** Whether a disk itself, without a map, is the device that the volume's users have. */
export function isHandedOut(record: Attachment | null, disk: ScsiDisk): boolean {
  return record?.device === `/dev/${disk.name}`
}

/**
 * Whether anything has one of the maps open for longer than a moment, udev included: while it is open, another
 * program's close writes nothing out.
 */
async function staysOpen(host: Host, maps: readonly DmMap[], signal?: AbortSignal): Promise<boolean> {
  const openCounts = async () =>
    (await Promise.all(maps.map((map) => openCount(host, map)))).filter((count) => count > 0)
  return (await lasting(openCounts, signal)).length > 0
}
