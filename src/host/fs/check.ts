import { LunkeeperError } from '../../model/errors.ts'
import type { BlockRef } from '../../model/snapshot.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import { unknownFeatures } from './unknown-features.ts'
import type { WriteProof } from '../proof/proof.ts'

/** A full check of a large, damaged ext4 takes long; the check of a clean one ends immediately. */
const DEADLINE_MS = 30 * 60_000

/** Errors of open(2) and read(2) that say nothing about the file system. */
const UNREADABLE =
  /Device or resource busy|Input\/output error|No such (?:file or directory|device)|Permission denied|is (?:in use|mounted)/

/**
 * Checks an unmounted ext4 and repairs what is safe to repair (`-p`). xfs needs no check: its mount replays the log,
 * and fsck.xfs does nothing by design.
 * @returns why this e2fsck cannot check it, in which case it was not changed; null if it was checked
 * @throws FS_DAMAGED · MOUNT_FAILED the device cannot be read now · TIMEOUT PROOF_EXPIRED
 */
export async function checkFs(
  host: Host,
  proof: WriteProof,
  device: BlockRef,
  type: string,
  signal?: AbortSignal,
): Promise<string | null> {
  if (type !== 'ext4') return null
  proof.require(device.devno)
  const args = ['-p', deviceNode(host, device.name)]
  const ran = await host.run('fsck.ext4', args, { deadline: DEADLINE_MS, signal })
  // fsck.ext4(8): bits 1 and 2 mean that errors were corrected; all others that they could not be.
  if (ran.code !== null && (ran.code & ~3) === 0) return null
  const features = unknownFeatures(ran)
  if (features !== null)
    return `the ext4 on ${device.name} was not checked: it has features that the e2fsck of this node does not know (${features}); install newer e2fsprogs`
  // fsck.ext4(8): 4 errors were left, 8 operational error. A device that cannot be opened or read now may be intact.
  const isDamaged = ran.code !== null && ((ran.code & 4) !== 0 || !UNREADABLE.test(failureReason(ran)))
  if (!isDamaged)
    throw new LunkeeperError(
      'MOUNT_FAILED',
      `the file system on ${device.name} could not be checked: ${failureReason(ran)}`,
    )
  throw new LunkeeperError(
    'FS_DAMAGED',
    `the file system on ${device.name} is damaged: ${failureReason(ran)}`,
  )
}
