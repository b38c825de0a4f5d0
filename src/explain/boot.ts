import type { Clock } from './clock.ts'
import { conclude, diskOf } from './conclude.ts'
import type { Event } from './event.ts'
import type { Moment } from './moment.ts'
import { before, secondsBetween } from './moment.ts'
import { noticedBy } from './noticed.ts'
import type { OpenOutage } from './open-outage.ts'
import { inferExpiry, openOutage } from './open-outage.ts'
import type { Outage, SessionStory } from './report.ts'
import { openScsi } from './scsi.ts'

interface Connection {
  readonly session: number
  readonly connection: number
  iqn: string | null
  portal: string | null
  readonly outages: OpenOutage[]
  /** The outage that goes on. */
  open: OpenOutage | null
  /** When its relogins failed, the last few. */
  readonly failures: Moment[]
}

type Of<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>

/** What iscsid or the kernel would do without being told; scsi_transport_iscsi.c:recovery_tmo. */
const DEFAULT_TIMER = 120
/** Lines of one loss are written this close to each other; syslog counts whole seconds. */
const TOGETHER = 3
/** An error that names no session is put down to an outage whose I/O failed so recently. */
const BY_TIME = 600
/** One loss, told twice; relogins are 2 s apart or more (DefaultTime2Wait). */
const TWICE = 1
/** A command that was cut off too often fails right after the session is back. */
const SHORTLY = 60
const REMEMBERED = 32

/** One host from one boot to the next. */
export interface Boot {
  tell(event: Event, now: Moment): void
  /** Something else ended every outage that goes on. */
  reboot(): void
  conclude(host: string | null, number: number, clock: Clock): SessionStory[]
}

/** @param whole the log has it from its start */
export function openBoot(whole: boolean): Boot {
  const connections = new Map<string, Connection>()
  const timers = new Map<number, number>()
  const scsi = openScsi(whole)
  /** Where the errors of a device went. */
  const charged = new Map<string, OpenOutage>()
  let lastCharged: OpenOutage | null = null
  let iscsidTells = false

  function connectionOf({ session, connection }: { session: number; connection: number }): Connection {
    const key = `${session}:${connection}`
    let known = connections.get(key)
    if (!known) {
      known = { session, connection, iqn: null, portal: null, outages: [], open: null, failures: [] }
      connections.set(key, known)
    }
    return known
  }

  function begin(
    connection: Connection,
    lost: Moment | null,
    now: Moment,
    noticed: Outage['noticed'],
  ): OpenOutage {
    const outage = openOutage(lost, now, noticed)
    connection.outages.push(outage)
    connection.open = outage
    return outage
  }

  function close(connection: Connection, ended: Outage['ended']): void {
    if (connection.open) connection.open.ended = ended
    connection.open = null
    connection.failures.length = 0
  }

  /**
   * The kernel does not say when a session is back. With iscsid silent, an error after a longer quiet than the
   * timer, which would have run out and said so, is a new loss.
   */
  function wasBackUnseen(outage: OpenOutage, session: number, now: Moment): boolean {
    if (iscsidTells || outage.expired) return false
    return isAfter(outage.lastSign, now, (timers.get(session) ?? DEFAULT_TIMER) + TOGETHER)
  }

  function lost(event: Of<'lost'>, now: Moment): void {
    const connection = connectionOf(event)
    if (connection.open && event.by === 'kernel' && wasBackUnseen(connection.open, event.session, now))
      close(connection, 'unseen')
    const { open } = connection
    const noticed = noticedBy(event.code)
    if (!open) {
      begin(connection, now, now, event.words === null ? noticed : { ...noticed, words: event.words })
      return
    }
    // A ping that was not answered comes first, and says more than the error that follows.
    if (open.noticed.code === null) open.noticed = { ...noticed, words: open.noticed.words || noticed.words }
    if (event.by === 'kernel' && isAfter(open.lastError, now, TWICE)) {
      open.failures++
      connection.failures.push(now)
      if (connection.failures.length > REMEMBERED) connection.failures.shift()
    }
    open.lastError = now
    open.lastSign = now
  }

  function silent(event: Of<'silent'>, now: Moment): void {
    const connection = connectionOf(event)
    // Only a session that is logged in sends pings: libiscsi.c:iscsi_check_transport_timeouts.
    if (connection.open && isAfter(connection.open.lastSign, now, TOGETHER)) close(connection, 'unseen')
    if (connection.open) return
    begin(connection, now, now, {
      how: 'silent',
      code: null,
      words: `the target did not answer a ping for ${event.seconds} s`,
    })
  }

  function expired({ session, seconds }: Of<'expired'>, now: Moment): void {
    timers.set(session, seconds)
    const all = [...connections.values()].filter((connection) => connection.session === session)
    const open = all.filter((connection) => connection.open)
    for (const connection of open) {
      const { expired: earlier, timerInferred } = connection.open!
      // A timer that runs out again was started again, by another loss.
      if (earlier && !timerInferred) loseAgain(connection, seconds, now)
      expire(connection.open!, seconds, now)
    }
    if (open.length > 0) return
    const connection = all[0] ?? connectionOf({ session, connection: 0 })
    expire(begin(connection, before(now, seconds), now, UNKNOWN), seconds, now)
  }

  function loseAgain(connection: Connection, seconds: number, now: Moment): void {
    const first = connection.failures.find(
      (at) => (secondsBetween(at, now) ?? Number.POSITIVE_INFINITY) <= seconds + TOGETHER,
    )
    const { noticed } = connection.open!
    close(connection, 'unseen')
    begin(connection, first ?? before(now, seconds), now, first ? noticed : UNKNOWN)
  }

  function expire(outage: OpenOutage, seconds: number, now: Moment): void {
    outage.expired = now
    outage.timer = seconds
    outage.timerInferred = false
    outage.lastSign = now
    lastCharged = outage
  }

  function back(event: Of<'back'>, now: Moment): void {
    iscsidTells = true
    const connection = connectionOf(event)
    const outage = connection.open ?? begin(connection, null, now, UNKNOWN)
    outage.back = now
    outage.attempts = event.attempts
    close(connection, 'back')
  }

  function named(event: Of<'login' | 'logout'>): void {
    iscsidTells = true
    const connection = connectionOf(event)
    connection.iqn = event.iqn
    connection.portal = event.portal
    if (event.kind === 'logout') close(connection, 'logout')
    else scsi.loggedIn(event.session)
  }

  /** iscsid does not say which connection it tries; the portal tells, or that only one can be meant. */
  function unreachable({ portal, count }: Of<'unreachable'>, now: Moment): void {
    iscsidTells = true
    const away = [...connections.values()].filter(({ open }) => open)
    const known = away.filter((connection) => connection.portal === portal)
    const nameless = away.filter((connection) => connection.portal === null)
    const meant = known.length > 0 ? known : nameless.length === 1 ? nameless : []
    for (const connection of meant) {
      connection.portal = portal
      connection.open!.failures += count
      connection.open!.lastSign = now
    }
  }

  /** The outage that an error belongs to: by the disk's session, else by time. */
  function outageOf(device: string, address: string | null, now: Moment): OpenOutage | null {
    const sessions = address === null ? scsi.sessionsOf(device) : scsi.sessionsAt(address)
    if (sessions !== null) {
      const theirs = [...connections.values()].filter(({ session }) => sessions.includes(session))
      const outages = theirs.flatMap(({ outages }) => outages.slice(-1))
      // One that ended in time long ago has nothing to do with it.
      return latest(outages.filter((outage) => mayFail(outage, now))) ?? null
    }
    const before = charged.get(device)
    if (before && before.ended === null) return before
    const failed = [...connections.values()]
      .filter(({ open }) => open && (open.expired !== null || address !== null))
      .filter(({ open }) => !isAfter(open!.lastSign, now, BY_TIME))
    const outage = latest(failed.map(({ open }) => open!))
    const [only] = failed
    if (failed.length === 1 && address !== null) scsi.belongs(address, only!.session)
    return outage ?? before ?? null
  }

  function charge(device: string, now: Moment): OpenOutage | null {
    const outage = outageOf(device, null, now)
    if (!outage) return null
    charged.set(device, outage)
    lastCharged = outage
    return outage
  }

  function refused(address: string, now: Moment): void {
    const outage = outageOf('', address, now)
    if (!outage) return
    if (!scsi.wasGivenUp(address)) inferExpiry(outage, now)
    outage.addresses.add(address)
    const disk = scsi.name(address)
    if (disk !== null) charged.set(disk, outage)
    if (outage.ended === null) outage.lastSign = now
    lastCharged = outage
  }

  function failed(device: string, now: Moment): void {
    const disk = diskOf(device)
    const outage = charge(disk, now)
    if (!outage) return
    count(outage, disk, 1)
    if (outage.ended === null && outage.expired) outage.lastSign = now
  }

  function broken({ device, type, what }: Of<'file system'>, now: Moment): void {
    const outage = charge(diskOf(device), now)
    const key = `${device} ${what}`
    if (outage && !outage.fileSystems.has(key)) outage.fileSystems.set(key, { device, type, what, at: now })
  }

  function suppressed(number: number): void {
    if (lastCharged) count(lastCharged, '', number)
  }

  return {
    tell(event, now) {
      switch (event.kind) {
        case 'lost':
          return lost(event, now)
        case 'silent':
          return silent(event, now)
        case 'expired':
          return expired(event, now)
        case 'back':
          return back(event, now)
        case 'login':
        case 'logout':
          return named(event)
        case 'unreachable':
          return unreachable(event, now)
        case 'refused':
          return refused(event.address, now)
        case 'I/O error':
          return failed(event.device, now)
        case 'suppressed':
          return suppressed(event.count)
        case 'file system':
          return broken(event, now)
        case 'iscsi host':
        case 'disk':
        case 'given up':
        case 'path failed':
          return scsi.tell(event)
        case 'boot':
      }
    },
    reboot() {
      for (const connection of connections.values()) close(connection, 'reboot')
    },
    conclude: (host, number, clock) =>
      [...connections.values()]
        .filter(({ outages }) => outages.length > 0)
        .map(({ session, connection, portal, iqn, outages }) => ({
          host,
          boot: number,
          session,
          connection,
          portal,
          iqn,
          outages: outages.map((outage) => conclude(outage, scsi, clock)),
        })),
  }
}

const UNKNOWN: Outage['noticed'] = { how: 'unknown', code: null, words: 'the log does not show it' }

function isAfter(earlier: Moment, now: Moment, seconds: number): boolean {
  return (secondsBetween(earlier, now) ?? 0) > seconds
}

function mayFail({ ended, expired, back }: OpenOutage, now: Moment): boolean {
  return ended === null || expired !== null || (back !== null && !isAfter(back, now, SHORTLY))
}

/** The one whose I/O failed last: it was the last way. */
function latest(outages: readonly OpenOutage[]): OpenOutage | undefined {
  return outages.reduce<OpenOutage | undefined>((best, outage) => {
    if (!best || (outage.expired && !best.expired)) return outage
    if (!outage.expired || !best.expired) return best
    return (secondsBetween(best.expired, outage.expired) ?? 0) >= 0 ? outage : best
  }, undefined)
}

function count(outage: OpenOutage, device: string, number: number): void {
  outage.errors.set(device, (outage.errors.get(device) ?? 0) + number)
}
