import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import { formatPortal } from '../../model/portal.ts'
import type { Session } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'
import { removeDurable, writeDurable } from '../store/durable.ts'

// Records which sessions are ours to end. A note is written before the login and completed after it, under /run: it is
// lost with the boot, like the session.

/** Before the login: the next session to this portal is ours. */
export function noteLogin(host: Host, iqn: Iqn, portal: Portal): void {
  writeDurable(pathOf(host, iqn, portal), JSON.stringify({ iqn, portal: formatPortal(portal), sid: null }))
}

/** After the login: this particular session is ours. */
export function noteSession(host: Host, iqn: Iqn, portal: Portal, sid: number): void {
  writeDurable(pathOf(host, iqn, portal), JSON.stringify({ iqn, portal: formatPortal(portal), sid }))
}

export function forgetSession(host: Host, iqn: Iqn, portal: Portal): void {
  removeDurable(pathOf(host, iqn, portal))
}

/** Whether we logged this session in. A note without a number is from a login that a crash interrupted. */
export function isOurSession(host: Host, session: Session): boolean {
  if (!session.portal) return false
  try {
    const note = JSON.parse(readFileSync(pathOf(host, session.iqn, session.portal), 'utf8')) as {
      sid?: unknown
    }
    return note.sid === null || note.sid === session.sid
  } catch {
    return false
  }
}

function pathOf(host: Host, iqn: Iqn, portal: Portal): string {
  const name = createHash('sha256')
    .update(`${iqn} ${formatPortal(portal)}`)
    .digest('hex')
    .slice(0, 24)
  return join(host.places.runtime, 'sessions', `${name}.json`)
}
