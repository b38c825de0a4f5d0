import { LunkeeperError } from '../../model/errors.ts'
import { HandError } from '../hand/hand.ts'
import type { Host } from '../host.ts'

/**
 * Longer than the kernel needs to notice a lost connection (noop_out_interval + noop_out_timeout, 10 s);
 * a write that is stuck beyond that waits for the target, which may take for ever.
 */
const DEADLINE = 20_000

/**
 * Writes to a file of sysfs that takes the SCSI host's scan mutex: what is stuck there holds up every
 * other scan and delete of that host, so they share a lane.
 * @throws STUCK, and NOT_FOUND where the file is not there (any more)
 */
export async function inLane(host: Host, scsiHost: number, path: string, text: string): Promise<void> {
  try {
    await host.hands.use(`host${scsiHost}`, (hand) => hand.call('write', { path, text }, DEADLINE))
  } catch (error) {
    if (!(error instanceof HandError)) throw error
    if (error.errno === 'ENOENT' || error.errno === 'ENODEV' || error.errno === 'ENXIO')
      throw new LunkeeperError('NOT_FOUND', `${path} is gone`, { cause: error })
    const code = error.errno === 'EACCES' || error.errno === 'EPERM' ? 'NO_PERMISSION' : 'INTERNAL'
    throw new LunkeeperError(
      code,
      `writing ${JSON.stringify(text)} to ${path} did not work: ${error.message}`,
      { cause: error },
    )
  }
}
