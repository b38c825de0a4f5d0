import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import { removeDurable, writeDurable } from '../../host/store/durable.ts'
import type { ReservationKey } from '../../model/reservation.ts'

// Which sessions have registered a volume's key. By the standard a registration counts for one session (I_T nexus), so
// each new login registers before its path is used. Kept under /run: sessions go with the boot.

/** Whether this session has registered this key for the volume. False sends one command too many, and does no harm. */
export function isRegistered(host: Host, name: string, key: ReservationKey, sid: number): boolean {
  return sidsOf(host, name, key).includes(sid)
}

/** @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE */
export function noteRegistered(host: Host, name: string, key: ReservationKey, sid: number): void {
  const sids = [...new Set([...sidsOf(host, name, key), sid])]
  writeDurable(pathOf(host, name), `${JSON.stringify({ key, sids })}\n`)
}

/** Nothing is known to be registered any more: the target lost it, or it was released. */
export function forgetRegistered(host: Host, name: string): void {
  removeDurable(pathOf(host, name))
}

function sidsOf(host: Host, name: string, key: ReservationKey): readonly number[] {
  try {
    const note = JSON.parse(readFileSync(pathOf(host, name), 'utf8')) as { key?: unknown; sids?: unknown }
    if (note.key !== key || !Array.isArray(note.sids)) return []
    return note.sids.filter((sid) => typeof sid === 'number')
  } catch {
    return []
  }
}

function pathOf(host: Host, name: string): string {
  return join(host.places.runtime, 'registered', `${name}.json`)
}
