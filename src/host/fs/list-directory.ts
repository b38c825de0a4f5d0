import { WorkerError } from '../worker/worker.ts'
import type { Host } from '../host.ts'

/** A directory on a local disk takes milliseconds; one whose file system hangs never returns. */
const DEADLINE_MS = 10_000

/** The names in a directory; empty if there is no such directory. @throws STUCK WorkerError */
export async function listDirectory(host: Host, path: string): Promise<string[]> {
  try {
    return await host.workers.use(null, (worker) => worker.call('listDirectory', { path }, DEADLINE_MS))
  } catch (error) {
    if (error instanceof WorkerError && (error.errno === 'ENOENT' || error.errno === 'ENOTDIR')) return []
    throw error
  }
}
