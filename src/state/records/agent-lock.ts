import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import { cached } from '../../host/read/cache.ts'
import { isLocked, withLock } from '../../host/lock/lock.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'

const KEY = 'agent'
const directory = (host: Host) => join(host.places.runtime, 'locks')

/** Whether an agent is running that reinstates paths: without one, a hold map would hold I/O indefinitely. */
export function isAgentRunning(host: Host): Promise<boolean> {
  return cached(host.paths, 'agent', () => isLocked(directory(host), KEY))
}

/** Runs `work` as the only agent of this node. @throws CONFLICT another agent is running */
export async function asAgent(host: Host, work: () => Promise<void>): Promise<void> {
  try {
    await withLock(directory(host), KEY, { what: 'the agent', deadline: 1_000 }, work)
  } catch (error) {
    if (!isLunkeeperError(error, 'LOCKED') || !(await isAgentRunning(host))) throw error
    throw new LunkeeperError('CONFLICT', `another agent is already running on this node: ${error.message}`, {
      hint: 'Run only one agent per node. See `systemctl status lunkeeper`.',
      cause: error,
    })
  }
}
