import { callFailed } from '../worker/worker.ts'
import type { FsUsage } from '../worker/protocol.ts'
import type { Host } from '../host.ts'

/** ext4 and xfs answer from memory; callers repeat the question within a minute. */
const DEADLINE_MS = 3_000

/**
 * The usage of a mounted file system. While one call for a volume is stuck, others are refused immediately instead of
 * piling up.
 * @throws STUCK · MOUNT_FAILED the usage cannot be read
 */
export async function readUsage(host: Host, point: string, volume: string): Promise<FsUsage> {
  return host.workers
    .use(`the file system of ${volume}`, (worker) => worker.call('statfs', { path: point }, DEADLINE_MS))
    .catch(callFailed('MOUNT_FAILED', `the usage of ${point} cannot be read`))
}
