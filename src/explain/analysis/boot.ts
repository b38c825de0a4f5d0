import type { Event } from '../message/event.ts'
import type { Cause, SessionOutages, WhichBoot } from '../report.ts'
import { concludeCause, recurringProblems } from './conclude-cause.ts'
import { openCauses } from './causes.ts'
import type { ErrorAttribution } from './attribution.ts'
import { openAttribution } from './attribution.ts'
import { concludeOutage } from './conclude-outage.ts'
import { openConnections } from './connections.ts'
import type { LogMoment } from './moment.ts'
import { openDiskTopology } from './disk-topology.ts'
import { settle } from './settle.ts'

/** The events of one host from one boot to the next. */
export interface Boot {
  add(event: Event, now: LogMoment): void
  /** Ends every open outage: the host was rebooted. */
  endByReboot(): void
  conclude(where: WhichBoot): { sessions: SessionOutages[]; causes: Cause[] }
}

/** @param coversBootStart the log covers the boot from its start */
export function openBoot(coversBootStart: boolean): Boot {
  const connections = openConnections()
  const disks = openDiskTopology(coversBootStart)
  const causes = openCauses()
  let opened: ErrorAttribution | null = null
  /** Opened by the first error: a hostile log has any number of boots. */
  const attribution = () => (opened ??= openAttribution(connections, disks, causes))
  return {
    add(event, now) {
      switch (event.kind) {
        case 'connection error':
          return connections.connectionError(event, now)
        case 'ping timeout':
          return connections.pingTimeout(event, now)
        case 'timer expired':
          return attribution().timerExpired(connections.timerExpired(event, now))
        case 'recovered':
          return connections.recovered(event, now)
        case 'login':
          connections.loginOrLogout(event)
          return disks.sessionCreated(event.session)
        case 'logout':
          return connections.loginOrLogout(event)
        case 'unreachable':
          if (!connections.unreachable(event, now))
            causes.note('portal-unreachable', event.portal, event.detail, now, event.count)
          return
        case 'I/O rejected':
          return attribution().ioRejected(event.address, now)
        case 'I/O error':
          return attribution().ioFailed(event.device, now)
        case 'messages suppressed':
          return attribution().messagesSuppressed(event.count, now)
        case 'file system':
          return attribution().fileSystemFailed(event, now)
        case 'cause': {
          if (event.session === undefined) return attribution().causeNoted(event, now)
          connections.loginFailed(event.session, now)
          const subject = connections.iqnOf(event.session) ?? event.subject
          causes.note(event.cause, subject, event.detail, now, event.times)
          return
        }
        case 'queueing ended':
          return attribution().queueingEnded(event.map, now)
        case 'device offlined':
          causes.note('command-timeout', disks.name(event.address) ?? event.address, null, now)
          return disks.add(event)
        case 'ATA error':
          return attribution().ataFailed(event, now)
        case 'disk':
          if (event.isNew) opened?.diskAttached(event.address, now)
          return disks.add(event)
        case 'scsi host':
        case 'path failed':
          return disks.add(event)
        case 'boot':
      }
    },
    endByReboot: () => connections.endByReboot(),
    conclude(where) {
      opened?.end()
      const damage = settle(
        connections.all().flatMap(({ outages }) => outages),
        disks,
      )
      for (const each of damage.others) causes.addDamage(each)
      const sessions = connections
        .all()
        .filter(({ outages }) => outages.length > 0)
        .map(({ session, connection, portal, iqn, outages, left }) => ({
          ...where,
          session,
          connection,
          portal,
          iqn,
          outages: outages.map((outage) => concludeOutage(outage, damage.of(outage), disks)),
          left,
        }))
      const noted = causes.conclude(disks).map((cause) => concludeCause(cause, where))
      return { sessions, causes: [...noted, ...sessions.flatMap(recurringProblems)] }
    },
  }
}
