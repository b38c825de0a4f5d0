import type { EventOf } from '../message/event.ts'
import type { DiskTopology } from './disk-topology.ts'
import type { LogMoment } from './moment.ts'
import { isAfter } from './moment.ts'

/** libata logs an error of a disk this close to the errors of its I/O. */
const ATA_SECONDS = 5
const MAX_PORTS = 1000

/**
 * Finds the disks at ATA ports. libata does not name them: a disk of an unknown session is at a port if its I/O fails
 * together with the port.
 */
export interface AtaPorts {
  portFailed(event: EventOf<'ATA error'>, now: LogMoment): void
  /** I/O of a disk failed, and the log does not show that the kernel rejected it. */
  diskFailed(disk: string, now: LogMoment): void
  /** No more events follow. */
  end(): void
}

/** @param onFound called with each disk that turns out to be local, after it was recorded */
export function openAtaPorts(disks: DiskTopology, onFound: (disk: string) => void): AtaPorts {
  const known = new Set<number>()
  let lastDisk: { disk: string; now: LogMoment } | null = null
  /** The last error of a port whose disk is not known, and the disk that had failed just before. */
  let pending: { port: number; now: LogMoment; before: string | null } | null = null

  function settle(disk: string | null): void {
    if (pending && disk !== null) {
      if (known.size < MAX_PORTS) known.add(pending.port)
      disks.addLocalDisk(disk)
      onFound(disk)
    }
    pending = null
  }

  return {
    portFailed({ port, address }, now) {
      if (address !== null) disks.addLocalHost(address)
      if (known.has(port)) return
      const isSame = pending?.port === port && !isAfter(pending.now, now, ATA_SECONDS)
      if (pending && !isSame) settle(pending.before)
      const before = lastDisk && !isAfter(lastDisk.now, now, ATA_SECONDS) ? lastDisk.disk : null
      pending = { port, now, before: before ?? pending?.before ?? null }
    },
    diskFailed(disk, now) {
      lastDisk = disk.startsWith('sd') && disks.sessionsOf(disk) === null ? { disk, now } : null
      // libata logs the error of the port first.
      if (pending && lastDisk) settle(isAfter(pending.now, now, ATA_SECONDS) ? pending.before : disk)
    },
    end: () => settle(pending?.before ?? null),
  }
}
