import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { LunkeeperError } from '../../model/errors.ts'
import type { Host } from '../host.ts'
import { dropStaleMarks } from '../disk/path-mark.ts'
import { failureReason } from '../exec/run.ts'

/** logout_timeout (15 s) of iscsid.conf, and time for iscsiadm to start and answer. */
const DEADLINE_MS = 25_000
/** iscsid gives up a first login after one login_timeout (15 s; record-text.ts). */
const LOGIN_DEADLINE_MS = 20_000
const RETRY_INTERVAL_MS = 500
const LOOK_INTERVAL_MS = 50

/**
 * After these the session ends, or the logout is retried. 0: iscsid has ended it, and the kernel removes its disks
 * first. 32: it was reconnecting, and iscsid drops it without asking the target. 9: not logged in yet
 * (usr/initiator.c:session_logout_task). 2 and 21: iscsid knows no such session. That is true of a session that has
 * ended, and of all sessions for a moment after iscsid was started.
 */
const EXPECTED = new Set([0, 2, 9, 21, 32])

/**
 * Ends one session, selected by its number: a target's name would end all sessions of the target. The kernel removes the
 * session's disks with it; the caller has verified that none is needed.
 * @param verify called before each attempt; it throws if the session is needed by now
 * @throws LEFT_BEHIND TIMEOUT CANCELLED
 */
export async function logout(
  host: Host,
  sid: number,
  signal?: AbortSignal,
  verify: () => void = () => {},
): Promise<void> {
  const end = performance.now() + LOGIN_DEADLINE_MS
  const args = ['-m', 'session', '-r', String(sid), '-u']
  verify()
  let ran = await host.run('iscsiadm', args, { deadline: DEADLINE_MS, signal, urgent: true })
  while (ran.code !== null && EXPECTED.has(ran.code) && performance.now() < end) {
    const again = performance.now() + RETRY_INTERVAL_MS
    while (isPresent(host, sid) && performance.now() < again) await pause(sid, signal)
    if (!isPresent(host, sid)) break
    verify()
    ran = await host.run('iscsiadm', args, { deadline: DEADLINE_MS, signal })
  }
  // If the session ends while iscsiadm reads it, iscsiadm fails in various ways: what counts is that it is gone.
  if (!isPresent(host, sid)) return dropStaleMarks(host)
  throw new LunkeeperError('LEFT_BEHIND', `session ${sid} was not logged out: ${failureReason(ran)}`, {
    details: { sid, iscsiadm: ran.code ?? ran.signal },
  })
}

async function pause(sid: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => {
    throw new LunkeeperError('CANCELLED', `the logout of session ${sid} was stopped`)
  })
}

function isPresent({ paths }: Host, sid: number): boolean {
  return existsSync(`${paths.sys}/class/iscsi_session/session${sid}`)
}
