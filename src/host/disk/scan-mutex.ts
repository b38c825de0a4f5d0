import { LunkeeperError } from '../../model/errors.ts'
import { WorkerError } from '../worker/worker.ts'
import type { Host } from '../host.ts'

/**
 * Longer than the kernel needs to detect a lost connection (noop_out_interval + noop_out_timeout, 10 s). A write that takes
 * longer waits for the target, possibly forever.
 */
const DEADLINE_MS = 20_000

/**
 * Writes to a sysfs file whose handler takes the scan mutex of the SCSI host. A stuck write blocks every other scan and
 * delete of that host, so all of them share a lane ({@link WorkerPool}).
 * @throws STUCK · NOT_FOUND the file does not exist · NO_PERMISSION
 */
export async function writeUnderScanMutex(
  host: Host,
  scsiHost: number,
  path: string,
  text: string,
): Promise<void> {
  try {
    await host.workers.use(`host${scsiHost}`, (worker) => worker.call('write', { path, text }, DEADLINE_MS))
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    if (error.errno === 'ENOENT' || error.errno === 'ENODEV' || error.errno === 'ENXIO')
      throw new LunkeeperError('NOT_FOUND', `${path} is gone`, { cause: error })
    const code = error.errno === 'EACCES' || error.errno === 'EPERM' ? 'NO_PERMISSION' : 'INTERNAL'
    throw new LunkeeperError(code, `writing ${JSON.stringify(text)} to ${path} failed: ${error.message}`, {
      cause: error,
    })
  }
}
