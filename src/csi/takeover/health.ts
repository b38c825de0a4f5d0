import { isLunkeeperError } from '../../model/errors.ts'
import type { Driver } from '../driver.ts'
import { lookAtOld, oldMountAt, oldStateOf } from './publication.ts'
import { OLD_DRIVER } from './state.ts'

/** What a file system shows that has stopped writing by itself. */
const TURNED = new Set(['ro', 'emergency_ro', 'shutdown'])

/**
 * How a volume fares that the old driver has published at this place; null where it has not.
 * @throws FAILED_PRECONDITION what is mounted there cannot be known to be the volume
 */
export function oldHealthAt(
  driver: Driver,
  volumeId: string,
  place: string,
): { readonly abnormal: boolean; readonly message: string } | null {
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
    if (usable.length === 0)
      return { abnormal: true, message: `its target is away, and ${OLD_DRIVER} published it: it is not held` }
    if (!mount.options.includes('ro') && mount.superOptions.some((option) => TURNED.has(option)))
      return { abnormal: true, message: 'its file system has turned read-only after an error' }
    return { abnormal: false, message: `published by ${OLD_DRIVER}: not held before its next pod` }
  } catch (error) {
    // Then nobody knows what is there.
    if (isLunkeeperError(error, 'RECORD_CORRUPT')) return null
    throw error
  }
}
