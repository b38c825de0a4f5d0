import { join } from 'node:path'

import * as z from 'zod/mini'

import type { Host } from '../../host/host.ts'
import { listNames } from '../../host/read/attribute.ts'
import { removeDurable } from '../../host/store/durable.ts'
import { readNote, writeNote } from '../../host/store/json-note.ts'
import type { ReservationKey } from '../../model/reservation.ts'

// Which sessions have registered a volume's key. By the standard a registration counts for one session (I_T nexus), so
// each new login registers before its path is used. Kept under /run: sessions go with the boot.

const schema = z.object({ key: z.string(), sids: z.array(z.number()) })

/** Whether this session has registered this key for the volume. False sends one command too many, and does no harm. */
export function isRegistered(host: Host, name: string, key: ReservationKey, sid: number): boolean {
  return sidsOf(host, name, key).includes(sid)
}

/** @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE */
export function noteRegistered(host: Host, name: string, key: ReservationKey, sid: number): void {
  const sids = [...new Set([...sidsOf(host, name, key), sid])]
  writeNote(pathOf(host, name), { key, sids })
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
      const note = readNote(pathOf(host, name), schema)
      return note?.sids.includes(sid) ? [{ name, key: note.key }] : []
    })
}

function sidsOf(host: Host, name: string, key: ReservationKey): readonly number[] {
  const note = readNote(pathOf(host, name), schema)
  return note?.key === key ? note.sids : []
}

const directoryOf = (host: Host) => join(host.places.runtime, 'registered')
const pathOf = (host: Host, name: string) => join(directoryOf(host), `${name}.json`)
