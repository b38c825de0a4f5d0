import { isLunkeeperError } from '../../model/errors.ts'
import type { Driver } from '../driver.ts'
import type { Adverse } from '../volume/condition.ts'
import { hasTurnedReadOnly, inaccessible, TURNED_READ_ONLY } from '../volume/condition.ts'
import { lookAtOld, oldMountAt, oldStateOf } from './publication.ts'
import { OLD_DRIVER } from '../old-driver.ts'

/**
 * The condition of a volume that the old driver published at this path; null if it did not publish it.
 * @throws FAILED_PRECONDITION the mount there cannot be identified as the volume
 */
export function oldHealthAt(
  driver: Driver,
  volumeId: string,
  place: string,
): { readonly adverse: Adverse | null; readonly message: string } | null {
  const { host } = driver
  try {
    const state = oldStateOf(driver, volumeId)
    if (!state) return null
    const found = lookAtOld(host, state)
    const mount = oldMountAt(host, volumeId, state, found, place)
    if (!mount) return null
    const usable = found.sessions.filter(({ sid, state: session }) =>
      found.disks.some((disk) => disk.sid === sid && disk.state === 'running' && session === 'LOGGED_IN'),
    )
    return {
      adverse:
        usable.length === 0
          ? inaccessible(
              'TargetAway',
              `its target is away, and it was published by ${OLD_DRIVER}: its I/O is not held`,
            )
          : hasTurnedReadOnly(mount)
            ? TURNED_READ_ONLY
            : null,
      message: `published by ${OLD_DRIVER}: its I/O is not held until its next pod starts`,
    }
  } catch (error) {
    // Without a readable state file, it is unknown what is mounted there.
    if (isLunkeeperError(error, 'RECORD_CORRUPT')) return null
    throw error
  }
}
