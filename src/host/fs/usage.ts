import { LunkeeperError } from '../../model/errors.ts'
import { HandError } from '../hand/hand.ts'
import type { FsUsage } from '../hand/protocol.ts'
import type { Host } from '../host.ts'

/** ext4 and xfs answer from memory; whoever asks does so again in a minute. */
const DEADLINE = 3_000

/**
 * How full a mounted file system is. While one question of the same volume is stuck, others are refused
 * at once instead of piling up.
 * @throws STUCK · MOUNT_FAILED it does not say
 */
export async function readUsage(host: Host, point: string, volume: string): Promise<FsUsage> {
  try {
    return await host.hands.use(`the file system of ${volume}`, (hand) =>
      hand.call('statfs', { path: point }, DEADLINE),
    )
  } catch (error) {
    if (!(error instanceof HandError)) throw error
    throw new LunkeeperError('MOUNT_FAILED', `${point} does not say how full it is: ${error.message}`, {
      cause: error,
    })
  }
}
