import { WorkerError } from '../worker/worker.ts'
import type { Host } from '../host.ts'
import type { WriteProof } from '../proof/proof.ts'
import { mountAt } from '../read/mounts.ts'

const TEST_WRITE_DEADLINE_MS = 15_000

/** A file system that is full, or whose user is over quota, works. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

/**
 * Whether a file system accepts writes: an unlinked temporary file (O_TMPFILE) is created, which starts a transaction
 * and leaves nothing. An ext4 whose journal was aborted and an XFS that was shut down reject it immediately, even if
 * the mount table still says rw.
 * @returns why not; null if it does, or if nothing is mounted
 * @throws STUCK PROOF_EXPIRED
 */
export async function testWrite(host: Host, proof: WriteProof, point: string): Promise<string | null> {
  const mount = mountAt(host.paths, point)
  if (!mount) return null
  proof.require(mount.devno)
  try {
    return await host.workers.use(null, (worker) =>
      worker.call('testWrite', { path: point }, TEST_WRITE_DEADLINE_MS),
    )
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    return FULL.has(error.errno) ? null : error.message
  }
}
