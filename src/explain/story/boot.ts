import type { Event } from '../message/event.ts'
import type { Cause, SessionStory } from '../report.ts'
import { concludeCause, slowSessions } from './conclude-cause.ts'
import { openCauses } from './causes.ts'
import { openCharges } from './charges.ts'
import { conclude } from './conclude.ts'
import { openConnections } from './connections.ts'
import type { Moment } from './moment.ts'
import { openScsi } from './scsi.ts'

/** One host from one boot to the next. */
export interface Boot {
  tell(event: Event, now: Moment): void
  /** Ends every open outage for another reason. */
  reboot(): void
  conclude(host: string | null, number: number): { sessions: SessionStory[]; causes: Cause[] }
}

/** @param whole the log covers it from its start */
export function openBoot(whole: boolean): Boot {
  const connections = openConnections()
  const scsi = openScsi(whole)
  const causes = openCauses()
  const charges = openCharges(connections, scsi, causes)
  return {
    tell(event, now) {
      switch (event.kind) {
        case 'lost':
          return connections.lost(event, now)
        case 'silent':
          return connections.silent(event, now)
        case 'expired':
          return charges.expired(connections.expired(event, now))
        case 'back':
          return connections.back(event, now)
        case 'login':
          connections.named(event)
          return scsi.loggedIn(event.session)
        case 'logout':
          return connections.named(event)
        case 'unreachable':
          return connections.unreachable(event, now)
        case 'refused':
          return charges.refused(event.address, now)
        case 'I/O error':
          return charges.failed(event.device, now)
        case 'suppressed':
          return charges.suppressed(event.count)
        case 'file system':
          return charges.broken(event, now)
        case 'cause':
          return charges.caused(event, now)
        case 'queueing ended':
          return charges.queueingEnded(event.map, now)
        case 'given up':
          causes.note('command-timeout', scsi.name(event.address) ?? event.address, null, now)
          return scsi.tell(event)
        case 'iscsi host':
        case 'disk':
        case 'path failed':
          return scsi.tell(event)
        case 'boot':
      }
    },
    reboot: () => connections.reboot(),
    conclude(host, boot) {
      const sessions = connections
        .all()
        .filter(({ outages }) => outages.length > 0)
        .map(({ session, connection, portal, iqn, outages, left }) => ({
          host,
          boot,
          session,
          connection,
          portal,
          iqn,
          outages: outages.map((outage) => conclude(outage, scsi)),
          left,
        }))
      const others = causes
        .renamed((address) => scsi.name(address))
        .map((cause) => concludeCause(cause, host, boot))
      return { sessions, causes: [...others, ...sessions.flatMap((story) => slowSessions(story))] }
    },
  }
}
