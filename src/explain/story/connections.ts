import type { EventOf } from '../message/event.ts'
import type { Moment } from './moment.ts'
import { before, isAfter, secondsBetween } from './moment.ts'
import { noticedBy } from './noticed.ts'
import type { OpenOutage } from './open-outage.ts'
import { openOutage } from './open-outage.ts'
import type { Outage } from '../report.ts'

/** One connection of a session, with its outages so far. */
export interface Connection {
  readonly session: number
  readonly connection: number
  iqn: string | null
  portal: string | null
  /** In the order of the log; if there are very many, the worst and the longest. */
  outages: OpenOutage[]
  /** Number of outages that are not kept. */
  left: number
  /** The open outage. */
  open: OpenOutage | null
  /** Times of the last few failed relogins. */
  readonly failures: Moment[]
}

/** Default recovery timer of iscsid and the kernel; scsi_transport_iscsi.c:recovery_tmo. */
const DEFAULT_TIMER = 120
/** Lines of one loss are this close together; syslog counts whole seconds. */
const TOGETHER = 3
/** The same loss, reported twice; relogins are 2 s apart or more (DefaultTime2Wait). */
const TWICE = 1
const REMEMBERED = 32
/** Minimum number of outages kept per connection; a session that flaps for months has more. */
const KEPT = 500
/** A hostile log could name any number of sessions. */
const MOST_CONNECTIONS = 2000

/** The connections of one boot: what the log shows of losses and returns. */
export interface Connections {
  all(): Connection[]
  lost(event: EventOf<'lost'>, now: Moment): void
  silent(event: EventOf<'silent'>, now: Moment): void
  /** @returns the outage whose timer expired last */
  expired(event: EventOf<'expired'>, now: Moment): OpenOutage
  back(event: EventOf<'back'>, now: Moment): void
  named(event: EventOf<'login' | 'logout'>): void
  unreachable(event: EventOf<'unreachable'>, now: Moment): void
  /**
   * A disk of the session, or one that an outage was attributed to, answered: the session was back, although no line
   * says so.
   */
  answered(of: number | OpenOutage, now: Moment): void
  /** Ends every open outage for another reason. */
  reboot(): void
}

export function openConnections(): Connections {
  const connections = new Map<string, Connection>()
  const timers = new Map<number, number>()
  let iscsidTells = false

  function connectionOf({ session, connection }: { session: number; connection: number }): Connection {
    const key = `${session}:${connection}`
    let known = connections.get(key)
    if (!known) {
      known = { session, connection, iqn: null, portal: null, outages: [], left: 0, open: null, failures: [] }
      if (connections.size < MOST_CONNECTIONS) connections.set(key, known)
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
    if (connection.outages.length >= 2 * KEPT) condense(connection)
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
   * The kernel does not log that a session is back. If iscsid is silent, an error after a quiet period longer than the
   * timer, which would have expired and been logged, is a new loss.
   */
  function wasBackUnseen(outage: OpenOutage, session: number, now: Moment): boolean {
    if (iscsidTells || outage.expired) return false
    return isAfter(outage.lastSign, now, (timers.get(session) ?? DEFAULT_TIMER) + TOGETHER)
  }

  function lost(event: EventOf<'lost'>, now: Moment): void {
    const connection = connectionOf(event)
    if (connection.open && event.by === 'kernel' && wasBackUnseen(connection.open, event.session, now))
      close(connection, 'unseen')
    const { open } = connection
    const noticed = noticedBy(event.code)
    if (!open) {
      begin(connection, now, now, event.words === null ? noticed : { ...noticed, words: event.words })
      return
    }
    // An unanswered ping comes first, and is more specific than the error that follows.
    if (open.noticed.code === null) open.noticed = { ...noticed, words: open.noticed.words || noticed.words }
    if (event.by === 'kernel' && isAfter(open.lastError, now, TWICE)) {
      open.failures++
      connection.failures.push(now)
      if (connection.failures.length > REMEMBERED) connection.failures.shift()
    }
    open.lastError = now
    open.lastSign = now
  }

  function silent(event: EventOf<'silent'>, now: Moment): void {
    const connection = connectionOf(event)
    // Only a session that is logged in sends pings: libiscsi.c:iscsi_check_transport_timeouts.
    if (connection.open && isAfter(connection.open.lastSign, now, TOGETHER)) close(connection, 'unseen')
    if (connection.open) return
    begin(connection, now, now, {
      how: 'silent',
      code: null,
      words: `the target did not answer a ping for ${event.seconds} s${pings(event)}`,
    })
  }

  function expired({ session, seconds }: EventOf<'expired'>, now: Moment): OpenOutage {
    timers.set(session, seconds)
    const all = [...connections.values()].filter((connection) => connection.session === session)
    let last: OpenOutage | null = null
    for (const connection of all) {
      if (!connection.open) continue
      const { expired: earlier, timerInferred } = connection.open
      // A timer that expires again was started again, by another loss.
      if (earlier && !timerInferred) loseAgain(connection, seconds, now)
      last = expire(connection.open, seconds, now)
    }
    if (last) return last
    const connection = all[0] ?? connectionOf({ session, connection: 0 })
    return expire(begin(connection, before(now, seconds), now, UNKNOWN), seconds, now)
  }

  function loseAgain(connection: Connection, seconds: number, now: Moment): void {
    const first = connection.failures.find(
      (at) => (secondsBetween(at, now) ?? Number.POSITIVE_INFINITY) <= seconds + TOGETHER,
    )
    const { noticed } = connection.open!
    close(connection, 'unseen')
    begin(connection, first ?? before(now, seconds), now, first ? noticed : UNKNOWN)
  }

  function expire(outage: OpenOutage, seconds: number, now: Moment): OpenOutage {
    outage.expired = now
    outage.timer = seconds
    outage.timerInferred = false
    outage.lastSign = now
    return outage
  }

  function back(event: EventOf<'back'>, now: Moment): void {
    iscsidTells = true
    const connection = connectionOf(event)
    const outage = connection.open ?? begin(connection, null, now, UNKNOWN)
    outage.back = now
    outage.attempts = event.attempts
    close(connection, 'back')
  }

  function named(event: EventOf<'login' | 'logout'>): void {
    iscsidTells = true
    const connection = connectionOf(event)
    connection.iqn = event.iqn
    connection.portal = event.portal
    // iscsid logs this only for a new session: initiator.c:setup_full_feature_phase.
    if (connection.open) close(connection, event.kind)
  }

  /** iscsid does not log which connection it tries; the portal identifies it, or it is the only candidate. */
  function unreachable({ portal, count }: EventOf<'unreachable'>, now: Moment): void {
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

  return {
    all: () => [...connections.values()],
    lost,
    silent,
    expired,
    back,
    named,
    unreachable,
    answered(of, now) {
      for (const connection of connections.values())
        if (
          (connection.session === of || connection.open === of) &&
          connection.open &&
          isAfter(connection.open.lastSign, now, TOGETHER)
        )
          close(connection, 'unseen')
    },
    reboot() {
      for (const connection of connections.values()) close(connection, 'reboot')
    },
  }
}

/** Keeps the worse half: harmful outages first, then the longest. */
function condense(connection: Connection): void {
  const weight = ({ fileSystems, errors, lost, back, lastSign }: OpenOutage) =>
    (fileSystems.size > 0 ? 2e9 : 0) +
    (errors.size > 0 ? 1e9 : 0) +
    ((lost && secondsBetween(lost, back ?? lastSign)) ?? 0)
  const kept = new Set(connection.outages.toSorted((a, b) => weight(b) - weight(a)).slice(0, KEPT))
  connection.left += connection.outages.length - kept.size
  connection.outages = connection.outages.filter((outage) => kept.has(outage))
}

function pings({ seconds, interval }: EventOf<'silent'>): string {
  return interval === null ? '' : ` (noop_out_interval ${interval}, noop_out_timeout ${seconds})`
}

const UNKNOWN: Outage['noticed'] = { how: 'unknown', code: null, words: 'the log does not show it' }
