import type { Host } from '../../host/host.ts'
import { knownChap } from '../../host/iscsi/known-chap.ts'
import { readDisk } from '../../host/read/disks.ts'
import type { Attachment } from '../../model/attachment.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Portal } from '../../model/portal.ts'
import { dropForeignDisk } from '../holding/drop-foreign-disk.ts'
import type { Stepper } from '../step.ts'
import type { Path } from './path.ts'
import { preparePath, sessionOf } from './path.ts'

export interface RemadePath {
  readonly host: Host
  readonly record: Attachment
  readonly steps: Stepper
  readonly signal?: AbortSignal | undefined
}

/**
 * Recreates a path to a volume that has a hold map, through the portal's session or a new one. A disk that turns
 * out to be another volume is removed from the node. The target's lock is held.
 * @throws as {@link preparePath} · MAP_FAILED STUCK
 */
export async function remakePath({ host, record, steps, signal }: RemadePath, portal: Portal): Promise<Path> {
  const { request, identity } = record
  try {
    return await preparePath(
      {
        host,
        request,
        // A new address uses the credentials of the volume's other portals.
        chap: knownChap(host, request.iqn, request.portals)?.chap ?? null,
        recovery: 0,
        mark: 'hold',
        name: record.name,
        // The size is not compared: the volume may have grown, and the kernel refuses a table that is longer than
        // its disk.
        expected: { wwid: identity?.wwid, serial: identity?.serial },
        scanned: new Set(),
        steps,
      },
      portal,
      signal,
    )
  } catch (error) {
    const session = isLunkeeperError(error, 'IDENTITY_MISMATCH') && sessionOf(host, request, portal)
    const foreign = session && readDisk(host.paths, session, request.lun)
    if (foreign) await dropForeignDisk(host, record, foreign)
    throw error
  }
}
