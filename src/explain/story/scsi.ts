import type { Disks } from './conclude.ts'
import type { Event } from '../message/event.ts'

/** Which disk has which address, and belongs to which session, as far as the log of one boot shows. */
export interface Scsi extends Disks {
  tell(event: Extract<Event, { kind: 'iscsi host' | 'disk' | 'given up' | 'path failed' }>): void
  /** A session was created; its host was created right before. */
  loggedIn(session: number): void
  /** An address was seen to belong to a session. */
  belongs(address: string, session: number): void
  /** The sessions of a disk or of a map; an empty list: certainly none; null: not known. */
  sessionsOf(device: string): readonly number[] | null
  sessionsAt(address: string): readonly number[] | null
  wasGivenUp(address: string): boolean
}

/** A hostile log could name any number of disks; sd numbers fewer than these. */
const MOST_ENTRIES = 20_000

/** @param whole the log covers the boot from its start, so it contains every iSCSI host */
export function openScsi(whole: boolean): Scsi {
  const addresses = new Map<string, string>()
  const names = new Map<string, string>()
  const sessions = new Map<number, number>()
  /** Hosts of iSCSI sessions, in the order of creation. */
  const made: number[] = []
  let newest: number | null = null
  const givenUp = new Set<string>()
  /** The paths of each map, and all paths. */
  const maps = new Map<string, Set<string>>()
  const paths = new Set<string>()

  function sessionsAt(address: string): readonly number[] | null {
    const host = hostOf(address)
    const session = sessions.get(host)
    if (session !== undefined) return [session]
    return whole && made.length > 0 && !made.includes(host) ? [] : null
  }

  function sessionsOf(device: string): readonly number[] | null {
    const below = maps.get(device)
    if (below) {
      const known = [...below].flatMap((disk) => sessionsOf(disk) ?? [])
      return known.length > 0 ? known : null
    }
    const address = addresses.get(device)
    return address === undefined ? null : sessionsAt(address)
  }

  return {
    sessionsAt,
    sessionsOf,
    name: (address) => names.get(address) ?? null,
    isPath: (device) => paths.has(device),
    wasGivenUp: (address) => givenUp.has(address),
    belongs(address, session) {
      if (sessions.size < MOST_ENTRIES) sessions.set(hostOf(address), session)
    },
    loggedIn(session) {
      if (newest !== null) sessions.set(newest, session)
      newest = null
    },
    tell(event) {
      switch (event.kind) {
        case 'iscsi host':
          if (made.length >= MOST_ENTRIES) return
          made.push(event.host)
          newest = event.host
          // Sessions are numbered from 1 in each boot, and each creates one host: iscsi_add_session.
          if (whole) sessions.set(event.host, made.length)
          return
        case 'disk':
          if (addresses.size >= MOST_ENTRIES || names.size >= MOST_ENTRIES) return
          addresses.set(event.disk, event.address)
          names.set(event.address, event.disk)
          givenUp.delete(event.address)
          return
        case 'given up':
          givenUp.add(event.address)
          return
        case 'path failed':
          if (event.disk === null || maps.size >= MOST_ENTRIES) return
          paths.add(event.disk)
          maps.set(event.map, (maps.get(event.map) ?? new Set()).add(event.disk))
      }
    },
  }
}

function hostOf(address: string): number {
  return Number(address.slice(0, address.indexOf(':')))
}
