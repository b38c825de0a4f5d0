import { noteSession } from '../../host/iscsi/session-note.ts'
import type { Host } from '../../host/host.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Driver } from '../driver.ts'
import { grpcError } from '../status.ts'
import { volumeNameOf } from '../volume/name.ts'
import type { OldPublication } from './publication.ts'
import { lookAtOld, oldStateOf } from './publication.ts'
import { OLD_DRIVER } from '../old-driver.ts'
import { forgetOldState } from './state.ts'

/**
 * Takes over the sessions of the old driver: from now on they end like ours, together with the last volume of
 * either driver that needs them.
 */
export function takeOverSessions(host: Host, { sessions, disks, strangers }: OldPublication): void {
  // Another program has created the LUN's disk again, and so possibly the session too.
  if (disks.length === 0 && strangers.length > 0) return
  for (const { iqn, portal, sid } of sessions) if (portal) noteSession(host, iqn, portal, sid)
}

/**
 * Takes over a volume of the old driver before it is staged. The old driver must have unpublished it.
 * @returns a function to call when the volume is staged
 * @throws FAILED_PRECONDITION it is still published by the old driver
 */
export function takeOverVolume(driver: Driver, volumeId: string): () => void {
  const { host, observer } = driver
  try {
    const state = oldStateOf(driver, volumeId)
    if (!state) return () => {}
    const found = lookAtOld(host, state)
    if (found.mounts.length > 0)
      throw grpcError(
        'BUSY',
        `${volumeId} is still published by ${OLD_DRIVER}, at ${found.mounts.map(({ point }) => point).join(', ')}. Delete the pods that use it; it is then staged, and its I/O held`,
      )
    takeOverSessions(host, found)
    return () => forgetOldState(host, volumeId)
  } catch (error) {
    // Staging finds out without the state file whether the disk is in use.
    if (!isLunkeeperError(error, 'RECORD_CORRUPT')) throw error
    observer.warn?.(volumeNameOf(volumeId), error.message)
    return () => {}
  }
}
