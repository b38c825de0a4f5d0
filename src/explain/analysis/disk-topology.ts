import type { KnownDisks } from './conclude-outage.ts'
import type { Event } from '../message/event.ts'

/** The disks, their addresses, sessions and maps, as far as the log of one boot shows them. */
export interface DiskTopology extends KnownDisks {
  add(event: Extract<Event, { kind: 'iscsi host' | 'disk' | 'device offlined' | 'path failed' }>): void
  /** Records that a session was created. Its SCSI host is the one that was created last. */
  sessionCreated(session: number): void
  /** Records that a SCSI address belongs to a session. */
  assign(address: string, session: number): void
  /** The sessions of a disk or a map. Empty if it certainly has none; null if that is not known. */
  sessionsOf(device: string): readonly number[] | null
  /** The same for a SCSI address. */
  sessionsAt(address: string): readonly number[] | null
  /** Whether SCSI error handling took the device offline. */
  wasOfflined(address: string): boolean
}

/** A hostile log could name any number of disks. */
const MAX_ENTRIES = 20_000

/** @param coversBootStart the log covers the boot from its start, so that it shows every iSCSI host */
export function openDiskTopology(coversBootStart: boolean): DiskTopology {
  const addressOfDisk = new Map<string, string>()
  const diskAtAddress = new Map<string, string>()
  const sessionOfHost = new Map<number, number>()
  /** SCSI hosts of iSCSI sessions, in the order of creation. */
  const iscsiHosts: number[] = []
  let newestHost: number | null = null
  const offlined = new Set<string>()
  /** The paths of each map, and all paths. */
  const maps = new Map<string, Set<string>>()
  const paths = new Set<string>()

  function sessionsAt(address: string): readonly number[] | null {
    const host = hostOf(address)
    const session = sessionOfHost.get(host)
    if (session !== undefined) return [session]
    return coversBootStart && iscsiHosts.length > 0 && !iscsiHosts.includes(host) ? [] : null
  }

  function sessionsOf(device: string): readonly number[] | null {
    const pathsOfMap = maps.get(device)
    if (pathsOfMap) {
      const known = [...pathsOfMap].flatMap((disk) => sessionsOf(disk) ?? [])
      return known.length > 0 ? known : null
    }
    const address = addressOfDisk.get(device)
    return address === undefined ? null : sessionsAt(address)
  }

  return {
    sessionsAt,
    sessionsOf,
    name: (address) => diskAtAddress.get(address) ?? null,
    isPath: (device) => paths.has(device),
    wasOfflined: (address) => offlined.has(address),
    assign(address, session) {
      if (sessionOfHost.size < MAX_ENTRIES) sessionOfHost.set(hostOf(address), session)
    },
    sessionCreated(session) {
      if (newestHost !== null) sessionOfHost.set(newestHost, session)
      newestHost = null
    },
    add(event) {
      switch (event.kind) {
        case 'iscsi host':
          if (iscsiHosts.length >= MAX_ENTRIES) return
          iscsiHosts.push(event.host)
          newestHost = event.host
          // Sessions are numbered from 1 in each boot, and each creates one host: iscsi_add_session.
          if (coversBootStart) sessionOfHost.set(event.host, iscsiHosts.length)
          return
        case 'disk':
          if (addressOfDisk.size >= MAX_ENTRIES || diskAtAddress.size >= MAX_ENTRIES) return
          addressOfDisk.set(event.disk, event.address)
          diskAtAddress.set(event.address, event.disk)
          offlined.delete(event.address)
          return
        case 'device offlined':
          offlined.add(event.address)
          return
        case 'path failed':
          if (event.disk === null || maps.size >= MAX_ENTRIES) return
          paths.add(event.disk)
          maps.set(event.map, (maps.get(event.map) ?? new Set()).add(event.disk))
      }
    },
  }
}

function hostOf(address: string): number {
  return Number(address.slice(0, address.indexOf(':')))
}
