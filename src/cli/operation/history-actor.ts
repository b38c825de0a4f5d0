import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'

import type { Actor } from '../../model/history.ts'

/** The login UID of a process that does not descend from a login: (uid_t) -1 (kernel/audit.c). */
const UNSET_LOGIN_UID = '4294967295'
const MAX_NAME_LENGTH = 64

/** Who runs this command, for the history. It is information only, because root can set all of its sources. */
export function actorOf(command: string): Actor {
  if (command === 'agent') return { via: 'agent', command: null, user: null }
  // The agent started this command (repair-loop.ts).
  if (process.env['LUNKEEPER_ACTOR'] === 'agent') return { via: 'agent', command, user: null }
  return { via: 'cli', command, user: userOf() }
}

/** The user who ran sudo or su: sudo sets a variable, and the kernel keeps the login UID. */
function userOf(): string | null {
  const { SUDO_USER } = process.env
  const name = SUDO_USER || loginName() || ownName()
  return name === null ? null : name.slice(0, MAX_NAME_LENGTH)
}

function loginName(): string | null {
  try {
    const uid = readFileSync('/proc/self/loginuid', 'utf8').trim()
    if (uid === '' || uid === UNSET_LOGIN_UID) return null
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((entry) => entry.split(':')[2] === uid)
    return line?.split(':')[0] ?? `uid ${uid}`
  } catch {
    return null
  }
}

/** @returns null for a user who is not in /etc/passwd */
function ownName(): string | null {
  try {
    return userInfo().username
  } catch {
    return null
  }
}
