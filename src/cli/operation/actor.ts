import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'

import type { Actor } from '../../model/history.ts'

/** What the kernel shows for a process that no login led to: (uid_t) -1 (kernel/audit.c). */
const UNSET_LOGIN_UID = '4294967295'
const LONGEST_NAME = 64

/** For the history: who runs this command. For people, not for access control: root can say what it likes. */
export function actorOf(command: string): Actor {
  if (command === 'agent') return { via: 'agent', command: null, user: null }
  // The agent runs it (repair-loop.ts).
  if (process.env['LUNKEEPER_ACTOR'] === 'agent') return { via: 'agent', command, user: null }
  return { via: 'cli', command, user: userOf() }
}

/** The user before sudo or su; the login's is kept by the kernel over both. */
function userOf(): string | null {
  const { SUDO_USER } = process.env
  const name = SUDO_USER || loginName() || ownName()
  return name === null ? null : name.slice(0, LONGEST_NAME)
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
