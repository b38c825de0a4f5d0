import { withoutCopies } from '../../host/read/mount-copies.ts'
import { isOfMissingDevice, mountAt } from '../../host/read/mounts.ts'
import { isFsAlive } from '../../host/read/file-systems.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { Mount, ScsiDisk } from '../../model/snapshot.ts'
import { devicesOf, disksOf } from '../../state/view/volume.ts'
import { unmountProven } from '../../state/proof/unmount.ts'
import type { Device } from '../../state/view/users.ts'
import { describeUsers, mountsOf } from '../../state/view/users.ts'
import { unmountAfterHold } from '../holding/unmount-after-hold.ts'
import type { Dismantling } from './dismantle.ts'
import { markUnconfirmed, clearUnconfirmed, syncMount } from './write-out.ts'

/**
 * Unmounts the volume: the mount point of the record, or the one that the user named. Other mounts of it are
 * refused, unless forced. Everything is written out and confirmed first, and each unmount has a proof of which
 * volume it writes to.
 * @param disks the volume's own; another volume's disk at its LUN is not examined
 * @param isWritable whether the volume can take dirty data; if not, it was discarded before, and nothing is written
 * @throws BUSY with its users · FLUSH_FAILED IDENTITY_MISMATCH TARGET_AWAY UNMOUNT_FAILED TIMEOUT
 */
export async function unmountAll(
  work: Dismantling,
  disks: readonly ScsiDisk[],
  isWritable: boolean,
): Promise<void> {
  const { host, found, force } = work
  const devices = devicesOf(work.view().maps, presentOf(work, disks))
  const own = found.record?.request.use.mount ?? found.point
  for (const device of devices) {
    const mounts = withoutCopies(host.paths, mountsOf(host, device), [own])
    const foreign = mounts.filter(({ point }) => point !== own)
    if (foreign.length > 0 && !force)
      throw new LunkeeperError(
        'BUSY',
        `${found.name} is also mounted at ${foreign.map(({ point }) => point).join(', ')}`,
        {
          hint: 'Unmount that first; --force unmounts it too.',
        },
      )
    if (isWritable && mounts[0]) await syncMount(work, device, mounts[0])
    for (const mount of mounts.toReversed()) await unmountOne(work, device, mount, isWritable)
    // Unmounted here, but still alive: mounted in another mount namespace, lazily unmounted, or still being
    // unmounted.
    if (isFsAlive(host.paths, device.name) && !force)
      throw new LunkeeperError(
        'BUSY',
        `the file system of ${found.name} is still in use: ${await describeUsers(host, [device])}`,
      )
  }
  const mount = own === null ? null : mountAt(host.paths, own)
  const isDead = mount !== null && isOfMissingDevice(host.paths, mount)
  if (own !== null && (devices.length === 0 || isDead)) await unmountDead(work, own)
}

/** The disks that have not been removed since they were classified. */
function presentOf({ view }: Dismantling, disks: readonly ScsiDisk[]): ScsiDisk[] {
  return disksOf(view()).filter(({ name, hctl }) =>
    disks.some((disk) => disk.name === name && formatHctl(disk.hctl) === formatHctl(hctl)),
  )
}

async function unmountOne(
  work: Dismantling,
  device: Device,
  mount: Mount,
  isWritable: boolean,
): Promise<void> {
  const { host, steps, removed, volume } = work
  const top = mountAt(host.paths, mount.point)
  if (top && top.devno !== mount.devno)
    throw new LunkeeperError('BUSY', `${top.source} is mounted over ${mount.point}`, {
      hint: 'Unmount that first.',
    })
  const willWrite = isWritable && !mount.options.includes('ro')
  if (willWrite) markUnconfirmed(work, device)
  try {
    await steps.step('unmount', mount.point, () => unmountAfterHold(host, volume, device, mount))
  } catch (error) {
    if (willWrite && mountAt(host.paths, mount.point)?.devno === mount.devno)
      clearUnconfirmed(work, device.name)
    if (!isLunkeeperError(error, 'BUSY')) throw error
    throw new LunkeeperError(
      'BUSY',
      `${mount.point} is in use: ${await describeUsers(host, [device], [mount.point])}`,
      { cause: error },
    )
  }
  removed.mounts.push(mount.point)
}

/** The disk is gone, but a file system on it may still be mounted: its device number is dead. */
async function unmountDead(
  { host, found, steps, removed, volume }: Dismantling,
  point: string,
): Promise<void> {
  const mount = mountAt(host.paths, point)
  if (!mount || !/^\/dev\/(sd|dm-|mapper\/)/.test(mount.source)) return
  // Without a record, the volume was found by this mount; if the disk was dropped by force, the mount's device is
  // gone by now.
  const isIts = found.record ? mount.source === found.record.device : isOfMissingDevice(host.paths, mount)
  if (!isIts) return
  await steps.step('unmount', point, () => unmountProven(host, volume, point))
  if (!mount.options.includes('ro'))
    steps.warn(`${point}: its disk was removed while it was mounted: its unwritten data is lost`)
  removed.mounts.push(point)
}
