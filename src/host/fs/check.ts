import { LunkeeperError } from '../../model/errors.ts'
import type { BlockRef } from '../../model/snapshot.ts'
import { complaint } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import type { WriteProof } from '../proof/proof.ts'

/** A full check of a large, damaged ext4 takes long; a clean one ends at once. */
const DEADLINE = 30 * 60_000

/**
 * Checks an unmounted ext4 and mends what is safe to mend (`-p`). xfs needs none: its mount replays the
 * log, and fsck.xfs does nothing by design.
 * @throws FS_DAMAGED PROOF_EXPIRED
 */
export async function checkFs(host: Host, proof: WriteProof, device: BlockRef, type: string): Promise<void> {
  if (type !== 'ext4') return
  proof.require(device.devno)
  const ran = await host.run('fsck.ext4', ['-p', deviceNode(host, device.name)], { deadline: DEADLINE })
  // fsck.ext4(8): bits 1 and 2 say that errors were corrected; all others that it could not.
  if (ran.code !== null && (ran.code & ~3) === 0) return
  throw new LunkeeperError('FS_DAMAGED', `the file system on ${device.name} is damaged: ${complaint(ran)}`)
}
