import { LunkeeperError } from '../../model/errors.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { callFailed } from '../worker/worker.ts'
import type { Worker } from '../worker/worker.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'

/** A healthy target answers within milliseconds. If the target is lost, the command fails when the session detects it. */
export const SG_DEADLINE_MS = 20_000

/**
 * Sends commands to a disk in a worker process, through its sg node.
 * @throws MODULE_MISSING the disk has no sg node · TARGET_AWAY it does not answer now · STUCK
 */
export async function throughSg<T>(
  host: Host,
  disk: ScsiDisk,
  send: (worker: Worker, path: string) => Promise<T>,
): Promise<T> {
  if (disk.sg === null)
    throw new LunkeeperError('MODULE_MISSING', `${disk.name} has no sg device`, { hint: 'modprobe sg' })
  const path = deviceNode(host, disk.sg)
  return host.workers
    .use(null, (worker) => send(worker, path))
    .catch(callFailed('TARGET_AWAY', `${disk.name} did not answer`))
}
