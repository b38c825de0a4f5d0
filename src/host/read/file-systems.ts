import { existsSync } from 'node:fs'
import type { LiveFs } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import { hasCache, cached } from './cache.ts'
import { listNames, readNumber } from './attribute.ts'

/** Entries beside the devices there: fs/ext4/sysfs.c, fs/xfs/xfs_super.c. */
const NOT_A_DEVICE = new Set(['features', 'stats', 'debug'])

/**
 * The ext4 (also ext2, ext3) and xfs file systems that are alive in the kernel, wherever they are mounted: including
 * those mounted only in another mount namespace, lazily unmounted ones, and ones whose umount hangs.
 */
export function readLiveFs(paths: HostPaths): LiveFs[] {
  const devices = (fs: LiveFs['fs']) =>
    listNames(`${paths.sys}/fs/${fs}`).filter((name) => !NOT_A_DEVICE.has(name))
  return [
    ...devices('ext4').map((device) => ({
      device,
      fs: 'ext4' as const,
      errors: readNumber(`${paths.sys}/fs/ext4/${device}/errors_count`),
      warnings: readNumber(`${paths.sys}/fs/ext4/${device}/warning_count`),
    })),
    ...devices('xfs').map((device) => ({ device, fs: 'xfs' as const, errors: null, warnings: null })),
  ]
}

/** Whether an ext4 or xfs on this block device is alive in the kernel. Others show only by EBUSY for O_EXCL. */
export function isFsAlive(paths: HostPaths, deviceName: string): boolean {
  if (hasCache(paths)) {
    const alive = cached(
      paths,
      'live file systems',
      () => new Set(readLiveFs(paths).map(({ device }) => device)),
    )
    return alive.has(deviceName)
  }
  return ['ext4', 'xfs'].some((fs) => existsSync(`${paths.sys}/fs/${fs}/${deviceName}`))
}
