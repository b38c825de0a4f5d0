import type { Event } from '../message/event.ts'

/** The disks, their addresses, sessions and maps, as far as the log of one boot shows them. */
export interface DiskTopology {
  add(event: Extract<Event, { kind: 'scsi host' | 'disk' | 'device offlined' | 'path failed' }>): void
  /** Records that a session was created. Its SCSI host is the one that was created last. */
  sessionCreated(session: number): void
  /** Records that a disk is not an iSCSI disk. */
  addLocalDisk(disk: string): void
  /** Records that the SCSI host of an address does not belong to an iSCSI session. */
  addLocalHost(address: string): void
  /** The sessions of a disk or a map. Empty if it certainly has none; null if that is not known. */
  sessionsOf(device: string): readonly number[] | null
  /** The same for a SCSI address. */
  sessionsAt(address: string): readonly number[] | null
  /** Whether the disk certainly belongs to no iSCSI session. */
  isLocal(disk: string): boolean
  /** The name (sdX) of a SCSI address (H:C:T:L); null if the log does not show it. */
  name(address: string): string | null
  /** The address of a disk; null if the log does not show it. */
  addressOf(disk: string): string | null
  /** The SCSI host of an address, which one session has; null if the sessions of an adapter share it. */
  sessionHostOf(address: string): number | null
  /** The SCSI host that a session certainly has; null if that is not known. */
  hostOfSession(session: number): number | null
  /** How many times the log shows that the disk was attached: a name is used again for another disk. */
  generationOf(disk: string): number
  isMap(device: string): boolean
  /** Whether the disk is a path of a multipath map, which hides its errors from the users. */
  isPath(device: string): boolean
  /** Whether the log shows a multipath map. */
  hasMaps(): boolean
  /** Whether SCSI error handling took the device offline. */
  wasOfflined(address: string): boolean
}

interface Host {
  readonly of: 'session' | 'adapter' | 'other'
  /** The number of the session, if it is known. */
  session: number | null
}

interface Disk {
  address: string | null
  generation: number
  isLocal: boolean
  isPath: boolean
}

/** Disks that are never iSCSI disks. */
const NEVER_ISCSI = /^(?:nvme|mmcblk|vd|xvd)/
/** A hostile log could name any number of disks. */
const MAX_ENTRIES = 20_000

/** @param coversBootStart the log covers the boot from its start, so that it shows every iSCSI host */
export function openDiskTopology(coversBootStart: boolean): DiskTopology {
  const hosts = new Map<number, Host>()
  const hostOfSession = new Map<number, number>()
  const disks = new Map<string, Disk>()
  const addresses = new Map<string, { disk: string | null; wasOfflined: boolean }>()
  /** The paths of each map. */
  const maps = new Map<string, Set<string>>()
  /** Number of sessions that the kernel has created. */
  let sessions = 0
  let newestHost: number | null = null

  function setHost(number: number, host: Host): void {
    if (hosts.size >= MAX_ENTRIES || hostOfSession.size >= MAX_ENTRIES) return
    hosts.set(number, host)
    if (host.session !== null) hostOfSession.set(host.session, number)
  }

  function sessionsAt(address: string): readonly number[] | null {
    const host = hosts.get(hostOf(address))
    if (host?.of === 'other') return []
    if (host && host.session !== null) return [host.session]
    return coversBootStart && sessions > 0 && !host ? [] : null
  }

  function sessionsOf(device: string): readonly number[] | null {
    if (NEVER_ISCSI.test(device)) return []
    const pathsOfMap = maps.get(device)
    if (pathsOfMap) {
      const known = [...pathsOfMap].flatMap((disk) => sessionsOf(disk) ?? [])
      return known.length > 0 ? known : null
    }
    const disk = disks.get(device)
    if (disk?.isLocal) return []
    return disk && disk.address !== null ? sessionsAt(disk.address) : null
  }

  function recordOf(name: string): Disk {
    let disk = disks.get(name)
    if (!disk) {
      disk = { address: null, generation: 0, isLocal: false, isPath: false }
      if (disks.size < MAX_ENTRIES) disks.set(name, disk)
    }
    return disk
  }

  return {
    sessionsAt,
    sessionsOf,
    isLocal: (disk) => sessionsOf(disk)?.length === 0,
    name: (address) => addresses.get(address)?.disk ?? null,
    addressOf: (disk) => disks.get(disk)?.address ?? null,
    sessionHostOf: (address) => (hosts.get(hostOf(address))?.of === 'adapter' ? null : hostOf(address)),
    hostOfSession: (session) => hostOfSession.get(session) ?? null,
    generationOf: (disk) => disks.get(disk)?.generation ?? 0,
    isMap: (device) => maps.has(device),
    isPath: (device) => disks.get(device)?.isPath === true,
    hasMaps: () => maps.size > 0,
    wasOfflined: (address) => addresses.get(address)?.wasOfflined === true,
    addLocalDisk(disk) {
      recordOf(disk).isLocal = true
    },
    addLocalHost(address) {
      setHost(hostOf(address), { of: 'other', session: null })
    },
    sessionCreated(session) {
      if (newestHost !== null) setHost(newestHost, { of: 'session', session })
      newestHost = null
    },
    add(event) {
      switch (event.kind) {
        case 'scsi host': {
          const isSession = event.of === 'session'
          if (isSession) {
            sessions++
            newestHost = event.host
          }
          // Sessions are numbered from 1 in each boot, and each creates one host: iscsi_add_session.
          setHost(event.host, { of: event.of, session: isSession && coversBootStart ? sessions : null })
          return
        }
        case 'disk': {
          const disk = recordOf(event.disk)
          if (event.isNew) {
            disk.generation++
            disk.isLocal = false
          }
          disk.address = event.address
          if (addresses.size < MAX_ENTRIES)
            addresses.set(event.address, { disk: event.disk, wasOfflined: false })
          return
        }
        case 'device offlined':
          if (addresses.size < MAX_ENTRIES)
            addresses.set(event.address, {
              disk: addresses.get(event.address)?.disk ?? null,
              wasOfflined: true,
            })
          return
        case 'path failed':
          if (event.disk === null || maps.size >= MAX_ENTRIES) return
          recordOf(event.disk).isPath = true
          maps.set(event.map, (maps.get(event.map) ?? new Set()).add(event.disk))
      }
    },
  }
}

function hostOf(address: string): number {
  return Number(address.slice(0, address.indexOf(':')))
}
