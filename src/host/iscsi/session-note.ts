import { createHash } from 'node:crypto'
import { join } from 'node:path'

import * as z from 'zod/mini'

import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import { formatPortal } from '../../model/portal.ts'
import type { Session } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'
import { removeDurable } from '../store/durable.ts'
import { readNote, writeNote } from '../store/json-note.ts'

// Notes which sessions we logged in, and may therefore log out. A note is written before the login and completed after it.
// It is under /run, because the session does not survive a reboot either.

/** `sid` is null before the login; `iqn` and `portal` are for people. */
const schema = z.object({ sid: z.nullable(z.number()) })

/** Notes, before a login, that the next session to this portal is ours. */
export function noteLogin(host: Host, iqn: Iqn, portal: Portal): void {
  writeNote(pathOf(host, iqn, portal), { iqn, portal: formatPortal(portal), sid: null })
}

/** Notes, after the login, that only this session is ours. */
export function noteSession(host: Host, iqn: Iqn, portal: Portal, sid: number): void {
  writeNote(pathOf(host, iqn, portal), { iqn, portal: formatPortal(portal), sid })
}

export function forgetSession(host: Host, iqn: Iqn, portal: Portal): void {
  removeDurable(pathOf(host, iqn, portal))
}

/** Whether we logged this session in. A note without a session number is left by a login that was interrupted. */
export function isOurSession(host: Host, session: Session): boolean {
  if (!session.portal) return false
  const note = readNote(pathOf(host, session.iqn, session.portal), schema)
  return note !== null && (note.sid === null || note.sid === session.sid)
}

function pathOf(host: Host, iqn: Iqn, portal: Portal): string {
  const name = createHash('sha256')
    .update(`${iqn} ${formatPortal(portal)}`)
    .digest('hex')
    .slice(0, 24)
  return join(host.places.runtime, 'sessions', `${name}.json`)
}
