import { LunkeeperError } from '../../model/errors.ts'
import { complaint } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import { unknownFeatures } from './too-new.ts'

/** A full check of a large, damaged ext4 takes long; a clean one ends at once. */
const DEADLINE = 30 * 60_000

/**
 * Checks an unmounted ext4 and mends what is safe to mend (`-p`). xfs needs none: its mount replays the
 * log, and fsck.xfs does nothing by design.
 * @returns why it could not be checked, and is no worse for it; null where it was
 * @throws FS_DAMAGED
 */
export async function checkFs(host: Host, device: string, type: string): Promise<string | null> {
  if (type !== 'ext4') return null
  const ran = await host.run('fsck.ext4', ['-p', deviceNode(host, device)], { deadline: DEADLINE })
  // fsck.ext4(8): bits 1 and 2 say that errors were corrected; all others that it could not.
  if (ran.code !== null && (ran.code & ~3) === 0) return null
  const features = unknownFeatures(ran)
  if (features !== null)
    return `the ext4 on ${device} was not checked: it has features that the e2fsck of this node does not know (${features}); install newer e2fsprogs`
  throw new LunkeeperError('FS_DAMAGED', `the file system on ${device} is damaged: ${complaint(ran)}`)
}
