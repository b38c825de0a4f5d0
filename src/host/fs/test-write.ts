import { WorkerError } from '../worker/worker.ts'
import type { Host } from '../host.ts'
import type { WriteProof } from '../proof/proof.ts'
import { mountAt } from '../read/mounts.ts'

/** The write needs a journal transaction, which may wait for others. */
const TEST_WRITE_DEADLINE_MS = 15_000

/** A file system works even if it is full or its user is over quota. */
const FULL_ERRNOS: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

/**
 * Tests whether a file system accepts writes, by creating an unlinked temporary file (O_TMPFILE): that starts a transaction
 * and leaves nothing behind. An ext4 whose journal was aborted and an XFS that was shut down reject it immediately, even if
 * the mount table still says rw.
 * @returns why it does not accept writes; null if it does, or if nothing is mounted there
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
    return FULL_ERRNOS.has(error.errno) ? null : error.message
  }
}
