import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { LunkeeperError } from '../../model/errors.ts'
import type { Host } from '../host.ts'
import { dropStaleMarks } from '../disk/path-mark.ts'
import { failureReason } from '../exec/run.ts'

/** logout_timeout (15 s) of iscsid.conf, and time for iscsiadm to start and answer. */
const DEADLINE_MS = 25_000
/** Until iscsid gives up a first login: login_timeout (15 s), once (node-record.ts). */
const LOGIN_DEADLINE_MS = 20_000
const PULSE = 500

// 2 and 21: it is already gone. 32: it was reconnecting; iscsid drops it without asking the target.
const OK = new Set([0, 2, 21, 32])
/** iscsid's answer for a session that is not logged in yet (usr/initiator.c:session_logout_task). */
const INTERNAL = 9

/**
 * Ends one session, by its number: never by a target's name, which would end all of its sessions. All its disks are
 * removed with it; the caller has verified that none is needed.
 * @throws LEFT_BEHIND TIMEOUT
 */
export async function logout(host: Host, sid: number, signal?: AbortSignal): Promise<void> {
  const end = performance.now() + LOGIN_DEADLINE_MS
  const args = ['-m', 'session', '-r', String(sid), '-u']
  let ran = await host.run('iscsiadm', args, { deadline: DEADLINE_MS, signal })
  // Its first login is still in progress, at a silent portal, although its caller has given up.
  while (ran.code === INTERNAL && isThere(host, sid) && performance.now() < end) {
    await sleep(PULSE, undefined, { signal })
    ran = await host.run('iscsiadm', args, { deadline: DEADLINE_MS, signal })
  }
  // iscsiadm fails in many ways if a session ends while it reads it.
  if ((ran.code !== null && OK.has(ran.code)) || !isThere(host, sid)) return dropStaleMarks(host)
  throw new LunkeeperError('LEFT_BEHIND', `session ${sid} was not logged out: ${failureReason(ran)}`, {
    details: { sid, iscsiadm: ran.code ?? ran.signal },
  })
}

function isThere({ paths }: Host, sid: number): boolean {
  return existsSync(`${paths.sys}/class/iscsi_session/session${sid}`)
}
