import { LunkeeperError } from '../../model/errors.ts'
import type { BlockRef } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import type { WriteProof } from '../proof/proof.ts'
import { WorkerError } from '../worker/worker.ts'

/** Gigabytes may be dirty, and the target may be slow; a lost target is noticed within seconds. */
const SYNC_DEADLINE_MS = 60_000

/** The errors that the kernel reports for pages that it could not write: the write failed, or there was no space. */
const LOST: ReadonlySet<string> = new Set(['EIO', 'ENOSPC', 'EREMOTEIO', 'ENODATA', 'ETIMEDOUT', 'ENOLINK'])

/**
 * Writes out the dirty pages in the cache of a block device, and waits until the device has confirmed them. The
 * device need not be claimed: it may be mounted, and then these pages are its metadata.
 * @param deadline milliseconds
 * @returns why pages were lost, now or since this was last reported (mm/filemap.c:file_check_and_advance_wb_err); null if none
 * @throws STUCK PROOF_EXPIRED · INTERNAL what says nothing of pages
 */
export async function syncDevice(
  host: Host,
  proof: WriteProof,
  device: BlockRef,
  deadline = SYNC_DEADLINE_MS,
): Promise<string | null> {
  proof.require(device.devno)
  try {
    await host.workers.use(null, (worker) =>
      worker.call('syncDevice', { path: deviceNode(host, device.name) }, deadline),
    )
    return null
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    if (LOST.has(error.errno)) return error.message
    throw new LunkeeperError('INTERNAL', `${device.name} could not be written out: ${error.message}`, {
      cause: error,
    })
  }
}
