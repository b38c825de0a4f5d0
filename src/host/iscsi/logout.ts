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

// 2 and 21: the session is already gone. 32: it was reconnecting; iscsid drops it without asking the target.
const OK = new Set([0, 2, 21, 32])
/** iscsid's answer for a session that is not logged in yet (usr/initiator.c:session_logout_task). */
const NOT_LOGGED_IN_YET = 9

/**
 * Ends one session, selected by its number: a target's name would end all sessions of the target. The kernel removes the
 * session's disks with it; the caller has verified that none is needed.
 * @throws LEFT_BEHIND TIMEOUT CANCELLED
 */
export async function logout(host: Host, sid: number, signal?: AbortSignal): Promise<void> {
  const end = performance.now() + LOGIN_DEADLINE_MS
  const args = ['-m', 'session', '-r', String(sid), '-u']
  let ran = await host.run('iscsiadm', args, { deadline: DEADLINE_MS, signal })
  // The first login is still in progress at a silent portal, although its caller has given up.
  while (ran.code === NOT_LOGGED_IN_YET && isPresent(host, sid) && performance.now() < end) {
    await sleep(RETRY_INTERVAL_MS, undefined, { signal }).catch(() => {
      throw new LunkeeperError('CANCELLED', `the logout of session ${sid} was stopped`)
    })
    ran = await host.run('iscsiadm', args, { deadline: DEADLINE_MS, signal })
  }
  // If the session ends while iscsiadm reads it, iscsiadm fails in various ways.
  if ((ran.code !== null && OK.has(ran.code)) || !isPresent(host, sid)) return dropStaleMarks(host)
  throw new LunkeeperError('LEFT_BEHIND', `session ${sid} was not logged out: ${failureReason(ran)}`, {
    details: { sid, iscsiadm: ran.code ?? ran.signal },
  })
}

function isPresent({ paths }: Host, sid: number): boolean {
  return existsSync(`${paths.sys}/class/iscsi_session/session${sid}`)
}
