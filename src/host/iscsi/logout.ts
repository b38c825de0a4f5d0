import { LunkeeperError } from '../../model/errors.ts'
import type { Host } from '../host.ts'
import { complaint } from '../exec/run.ts'

/** logout_timeout (15 s) of iscsid.conf, and time for iscsiadm to start and answer. */
const DEADLINE = 25_000

// 2 and 21: it is gone already. 32: it was reconnecting; iscsid drops it without asking the target.
const OK = new Set([0, 2, 21, 32])

/**
 * Ends one session, by its number: never by a target's name, which would end all of its sessions.
 * It takes every disk of the session with it; whoever calls has seen that there is none to keep.
 * @throws LEFT_BEHIND TIMEOUT
 */
export async function logout(host: Host, sid: number, signal?: AbortSignal): Promise<void> {
  const ran = await host.run('iscsiadm', ['-m', 'session', '-r', String(sid), '-u'], {
    deadline: DEADLINE,
    signal,
  })
  if (ran.code !== null && OK.has(ran.code)) return
  throw new LunkeeperError('LEFT_BEHIND', `session ${sid} was not logged out: ${complaint(ran)}`, {
    details: { sid, iscsiadm: ran.code ?? ran.signal },
  })
}
