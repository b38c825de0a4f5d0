import { Code } from '@connectrpc/connect'

import { noteSession } from '../../host/iscsi/session-note.ts'
import type { Host } from '../../host/host.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Driver } from '../driver.ts'
import { refusal } from '../status.ts'
import { volumeNameOf } from '../volume/name.ts'
import type { OldPublication } from './publication.ts'
import { lookAtOld, oldStateOf } from './publication.ts'
import { forgetOldState, OLD_DRIVER } from './state.ts'

/**
 * Takes over the sessions that the old driver would log out of by itself: from now on they end as ours do, with
 * the last volume that needs them, be it one of its or one of ours.
 */
export function inheritSessions(host: Host, { sessions, disks, strangers }: OldPublication): void {
  // Somebody has made the LUN's disk anew, and so perhaps the session.
  if (disks.length === 0 && strangers.length > 0) return
  for (const { iqn, portal, sid } of sessions) if (portal) noteSession(host, iqn, portal, sid)
}

/**
 * Before a volume is staged that the old driver had: it must have left it.
 * @returns what is to be done once the volume is staged
 * @throws FAILED_PRECONDITION it is published by the old driver
 */
export function inheritVolume(driver: Driver, volumeId: string): () => void {
  const { host, observer } = driver
  try {
    const state = oldStateOf(driver, volumeId)
    if (!state) return () => {}
    const found = lookAtOld(host, state)
    if (found.mounts.length > 0)
      throw refusal(
        Code.FailedPrecondition,
        `BUSY: ${volumeId} is still published by ${OLD_DRIVER}, at ${found.mounts.map(({ point }) => point).join(', ')}. Delete the pods that use it; then it is staged, and held`,
      )
    inheritSessions(host, found)
    return () => forgetOldState(host, volumeId)
  } catch (error) {
    // Whether its disk is in use shows without it.
    if (!isLunkeeperError(error, 'RECORD_CORRUPT')) throw error
    observer.warn?.(volumeNameOf(volumeId), error.message)
    return () => {}
  }
}
