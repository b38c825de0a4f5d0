import { join } from 'node:path'

import * as z from 'zod/mini'

import type { Host } from '../../host/host.ts'
import { listNames } from '../../host/read/attribute.ts'
import { readConnection, readLiveConnection } from '../../host/read/sessions.ts'
import { removeDurable } from '../../host/store/durable.ts'
import { readNote, writeNote } from '../../host/store/json-note.ts'
import type { ReservationKey } from '../../model/reservation.ts'

// Which sessions have registered a volume's key, and over which connection. By the standard a registration belongs
// to one session (I_T nexus), so each new login registers before its path is used; and over each new connection it
// is checked again who has the volume. Kept under /run: sessions do not outlive the boot.

const schema = z.object({
  key: z.string(),
  sessions: z.array(z.object({ sid: z.number(), connection: z.nullable(z.string()) })),
  /** Another node was registered beside this node's reservation, and nothing has since confirmed that the volume is this node's. */
  isContested: z.optional(z.boolean()),
})

/**
 * Whether this session has registered this key for the volume over its present connection. A wrong false costs one
 * more command, and does no harm.
 */
export function isRegistered(host: Host, name: string, key: ReservationKey, sid: number): boolean {
  const connection = readConnection(host.paths, sid)
  return sessionsOf(host, name, key).some((one) => one.sid === sid && one.connection === connection)
}

/** @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE */
export function noteRegistered(host: Host, name: string, key: ReservationKey, sid: number): void {
  const others = sessionsOf(host, name, key).filter((one) => one.sid !== sid)
  const sessions = [...others, { sid, connection: readConnection(host.paths, sid) }]
  writeNote(pathOf(host, name), { key, sessions })
}

/** The sessions that have registered this key and are still logged in over the same connection, as far as the kernel knows. */
export function lastingSessions(host: Host, name: string, key: ReservationKey): number[] {
  return sessionsOf(host, name, key)
    .filter(
      ({ sid, connection }) => connection !== null && readLiveConnection(host.paths, sid) === connection,
    )
    .map(({ sid }) => sid)
}

/** Whether another node was seen beside this node's reservation, until the volume proves to be this node's. */
export function isContested(host: Host, name: string, key: ReservationKey): boolean {
  const note = readNote(pathOf(host, name), schema)
  return note?.key === key && note.isContested === true
}

/** Makes no session count as registered until the volume has proved to be this node's. @throws as {@link noteRegistered} */
export function noteContested(host: Host, name: string, key: ReservationKey): void {
  writeNote(pathOf(host, name), { key, sessions: [], isContested: true })
}

/** Nothing is known to be registered any more: the target lost the registrations, or they were released. */
export function forgetRegistered(host: Host, name: string): void {
  removeDurable(pathOf(host, name))
}

/** The keys that this session has registered, for any of its LUNs, with the names that the volumes had then. */
export function registeredBy(host: Host, sid: number): { readonly name: string; readonly key: string }[] {
  return listNames(directoryOf(host))
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => {
      const name = file.slice(0, -'.json'.length)
      const note = readNote(pathOf(host, name), schema)
      return note?.sessions.some((one) => one.sid === sid) ? [{ name, key: note.key }] : []
    })
}

function sessionsOf(host: Host, name: string, key: ReservationKey): z.output<typeof schema>['sessions'] {
  const note = readNote(pathOf(host, name), schema)
  return note?.key === key ? note.sessions : []
}

const directoryOf = (host: Host) => join(host.places.runtime, 'registered')
const pathOf = (host: Host, name: string) => join(directoryOf(host), `${name}.json`)
