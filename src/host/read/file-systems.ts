import { existsSync } from 'node:fs'
import type { LiveFs } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import { hasCache, cached } from './cache.ts'
import { listNames, readNumber, readStat } from './attribute.ts'

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

/**
 * Distinguishes the file systems that were mounted from one block device one after the other: the number of its
 * directory in sysfs, which no other file system gets. Null if there is none, or none that the kernel shows.
 */
export function fsInstance({ sys }: HostPaths, deviceName: string): string | null {
  for (const fs of ['ext4', 'xfs']) {
    const stat = readStat(`${sys}/fs/${fs}/${deviceName}`)
    if (stat !== null) return String(stat.ino)
  }
  return null
}

/** When an ext4 last found an error, by the wall clock, in milliseconds; null if never, and for other file systems. */
export function lastErrorMs({ sys }: HostPaths, deviceName: string): number | null {
  const seconds = readNumber(`${sys}/fs/ext4/${deviceName}/last_error_time`)
  return seconds !== null && seconds > 0 ? seconds * 1000 : null
}

/** Whether an ext4 or xfs on this block device is alive in the kernel. Other types show only by EBUSY for O_EXCL. */
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
