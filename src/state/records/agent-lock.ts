import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import { isLocked, withLock } from '../../host/lock/lock.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'

const KEY = 'agent'
const directory = (host: Host) => join(host.places.runtime, 'locks')

/** Whether an agent runs that puts paths back: without one, a hold map would wait for nobody. */
export function isAgentRunning(host: Host): Promise<boolean> {
  return isLocked(directory(host), KEY)
}

/** Runs `work` as the one agent of this node. @throws CONFLICT there is one */
export async function asAgent(host: Host, work: () => Promise<void>): Promise<void> {
  try {
    await withLock(directory(host), KEY, { what: 'the agent', deadline: 1_000 }, work)
  } catch (error) {
    if (!isLunkeeperError(error, 'LOCKED') || !(await isAgentRunning(host))) throw error
    throw new LunkeeperError('CONFLICT', `an agent runs on this node already: ${error.message}`, {
      hint: 'One is enough. See `systemctl status lunkeeper`.',
      cause: error,
    })
  }
}
