import { LunkeeperError } from '../../model/errors.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import type { WriteProof } from '../proof/proof.ts'
import { mountAt } from '../read/mounts.ts'

/** Gigabytes may be dirty and the target slow; a lost target is detected within seconds. */
const SYNC_DEADLINE_MS = 5 * 60_000

/**
 * Writes all dirty data of one mounted file system, and waits for the confirmation of its device (syncfs(2)). Unlike
 * umount(8), this reports pages that the kernel could not write since the last call (fs/sync.c: errseq_check_and_advance).
 * @param signal stops the wait; the write-out continues in the kernel
 * @throws FLUSH_FAILED the kernel reports an error: data is lost · TIMEOUT · PROOF_EXPIRED
 */
export async function syncFs(
  host: Host,
  proof: WriteProof,
  point: string,
  signal?: AbortSignal,
): Promise<void> {
  const mount = mountAt(host.paths, point)
  if (!mount) return
  proof.require(mount.devno)
  const ran = await host.run('sync', ['-f', '--', point], { deadline: SYNC_DEADLINE_MS, signal })
  if (ran.code !== 0)
    throw new LunkeeperError('FLUSH_FAILED', `${point} did not accept all data: ${failureReason(ran)}`)
}
