import { existsSync } from 'node:fs'

import { unmountFs } from '../../host/fs/mount.ts'
import { readMounts } from '../../host/read/mounts.ts'
import { isFsAlive } from '../../host/read/file-systems.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { Mount } from '../../model/snapshot.ts'
import { devicesOf, disksOf } from '../look.ts'
import type { Device } from '../users.ts'
import { describeUsers, mountsOf } from '../users.ts'
import type { Dismantling } from './dismantle.ts'

/**
 * Unmounts what is ours: the mount point of the record or the one that was named. Other mounts are
 * somebody's, and refused, unless force says otherwise.
 * @throws BUSY with who it is · UNMOUNT_FAILED TIMEOUT
 */
export async function unmountAll(work: Dismantling): Promise<void> {
  const { host, found, force } = work
  const view = work.view()
  const devices = devicesOf(view.maps, disksOf(view))
  const own = found.record?.request.use.mount ?? found.point
  for (const device of devices) {
    const mounts = mountsOf(host, device)
    const foreign = mounts.filter(({ point }) => point !== own)
    if (foreign.length > 0 && !force)
      throw new LunkeeperError(
        'BUSY',
        `${found.name} is also mounted at ${foreign.map(({ point }) => point).join(', ')}`,
        {
          hint: 'Unmount that first; --force unmounts it too.',
        },
      )
    for (const mount of mounts.toReversed()) await unmountOne(work, device, mount)
    // Unmounted here, and still alive: in another mount namespace, lazily unmounted, or still going.
    if (isFsAlive(host.paths, device.name) && !force)
      throw new LunkeeperError(
        'BUSY',
        `the file system of ${found.name} is still in use: ${await describeUsers(host, [device])}`,
      )
  }
  if (own !== null && devices.length === 0) await unmountDead(work, own)
}

async function unmountOne(
  { host, steps, removed }: Dismantling,
  device: Device,
  mount: Mount,
): Promise<void> {
  const top = readMounts(host.paths).findLast(({ point }) => point === mount.point)
  if (top && top.devno !== mount.devno)
    throw new LunkeeperError('BUSY', `${top.source} is mounted over ${mount.point}`, {
      hint: 'Unmount that first.',
    })
  try {
    await steps.step('unmount', mount.point, () => unmountFs(host, mount.point))
  } catch (error) {
    if (!isLunkeeperError(error, 'BUSY')) throw error
    throw new LunkeeperError(
      'BUSY',
      `${mount.point} is in use: ${await describeUsers(host, [device], [mount.point])}`,
      { cause: error },
    )
  }
  removed.mounts.push(mount.point)
}

/** The disk is gone, but a file system that stood on it may still be mounted: its device number is dead. */
async function unmountDead({ host, found, steps, removed }: Dismantling, point: string): Promise<void> {
  const mount = readMounts(host.paths).findLast((candidate) => candidate.point === point)
  if (!mount || !/^\/dev\/(sd|dm-|mapper\/)/.test(mount.source)) return
  // Without a record it is by this mount that the volume was found; dropped by force, its device is gone since.
  const isIts = found.record
    ? mount.source === found.record.device
    : !existsSync(`${host.paths.sys}/dev/block/${mount.devno}`)
  if (!isIts) return
  await steps.step('unmount', point, () => unmountFs(host, point))
  removed.mounts.push(point)
}
