import type { BlockRef } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import type { WriteProof } from '../proof/proof.ts'
import { readNumber } from '../read/attribute.ts'
import { WorkerError } from '../worker/worker.ts'

/** Metadata is little, and is written out by the kernel all the time. */
const SYNC_DEADLINE_MS = 15_000

/**
 * Whether metadata of a mounted file system was lost although it takes writes still: a journal is aborted only when the file
 * system next needs what could not be written (fs/jbd2/journal.c:jbd2_journal_update_sb_log_tail), which may be hours
 * later. ext4 counts the errors that it has seen. What the device's cache could not write the kernel reports to the first
 * that syncs the device (mm/filemap.c:file_check_and_advance_wb_err).
 * @returns what was lost; null if nothing is known to be
 * @throws STUCK PROOF_EXPIRED
 */
export async function lostMetadata(host: Host, proof: WriteProof, device: BlockRef): Promise<string | null> {
  const errors = readNumber(`${host.paths.sys}/fs/ext4/${device.name}/errors_count`)
  if (errors !== null && errors > 0) return `ext4 has noted ${errors} ${errors === 1 ? 'error' : 'errors'}`
  proof.require(device.devno)
  try {
    await host.workers.use(null, (worker) =>
      worker.call('syncDevice', { path: deviceNode(host, device.name) }, SYNC_DEADLINE_MS),
    )
    return null
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    return `its metadata was not written: ${error.message}`
  }
}
