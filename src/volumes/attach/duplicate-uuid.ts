import { basename } from 'node:path'

import { probeContent } from '../../host/fs/probe.ts'
import type { Host } from '../../host/host.ts'
import { linkName } from '../../host/read/attribute.ts'
import { readLiveFs } from '../../host/read/file-systems.ts'
import { readMounts } from '../../host/read/mounts.ts'
import { LunkeeperError } from '../../model/errors.ts'

/**
 * Why an xfs could not be mounted: another mounted xfs has its UUID. The kernel rejects it (fs/xfs/xfs_mount.c:
 * xfs_uuid_mount) and reports that only in its log. The volume is a clone or a snapshot: it was checked before that
 * this volume itself is not in use. If this is not the reason, the error is thrown unchanged.
 */
export async function explainDuplicateUuid(
  host: Host,
  device: string,
  uuid: string | null,
  error: LunkeeperError,
): Promise<never> {
  const twin = uuid === null ? null : await mountedWith(host, device, uuid)
  if (twin === null) throw error
  throw new LunkeeperError(
    'MOUNT_FAILED',
    `${device} was not mounted: its xfs has the same UUID as the one on ${twin}, so it is a clone or a snapshot of it`,
    {
      cause: error,
      details: { ...error.details, uuid },
      hint: 'Add --mount-option nouuid to mount it beside the other one; or give it its own UUID once, while it is not mounted: xfs_admin -U generate DEVICE.',
    },
  )
}

/** Device and mount point of a live xfs with this UUID; null if none is found. */
async function mountedWith(host: Host, device: string, uuid: string): Promise<string | null> {
  for (const { device: other, fs } of readLiveFs(host.paths)) {
    if (fs !== 'xfs' || other === device) continue
    // A device in an outage does not answer: skip it.
    const content = await probeContent(host, other, PROBE_DEADLINE_MS).catch(() => null)
    if (content?.uuid !== uuid) continue
    const mount = readMounts(host.paths).find(
      ({ devno }) => basename(linkName(`${host.paths.sys}/dev/block/${devno}`) ?? '') === other,
    )
    return mount ? `${other}, which is mounted at ${mount.point}` : other
  }
  return null
}

/** A superblock is read in milliseconds. */
const PROBE_DEADLINE_MS = 5_000
