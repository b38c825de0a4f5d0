import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import { listNames } from '../../host/read/attribute.ts'
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

/** The keys that this session has registered, for any of its LUNs, with the names that the volumes had. */
export function registeredBy(host: Host, sid: number): { readonly name: string; readonly key: string }[] {
  return listNames(directoryOf(host))
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => {
      const name = file.slice(0, -'.json'.length)
      const { key, sids } = readNote(host, name)
      return key !== null && sids.includes(sid) ? [{ name, key }] : []
    })
}

function sidsOf(host: Host, name: string, key: ReservationKey): readonly number[] {
  const note = readNote(host, name)
  return note.key === key ? note.sids : []
}

function readNote(
  host: Host,
  name: string,
): { readonly key: string | null; readonly sids: readonly number[] } {
  try {
    const { key, sids } = JSON.parse(readFileSync(pathOf(host, name), 'utf8')) as Record<string, unknown>
    if (typeof key !== 'string' || !Array.isArray(sids)) return { key: null, sids: [] }
    return { key, sids: sids.filter((sid) => typeof sid === 'number') }
  } catch {
    return { key: null, sids: [] }
  }
}

const directoryOf = (host: Host) => join(host.places.runtime, 'registered')
const pathOf = (host: Host, name: string) => join(directoryOf(host), `${name}.json`)
