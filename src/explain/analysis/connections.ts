import type { EventOf } from '../message/event.ts'
import type { Connection } from './connection.ts'
import { startOutage, finishOutage } from './connection.ts'
import type { LogMoment } from './moment.ts'
import { before, isAfter, secondsBetween } from './moment.ts'
import { lossDetectionOf } from './loss-detection.ts'
import type { OpenOutage } from './open-outage.ts'
import { noteLoss } from './open-outage.ts'
import type { Outage } from '../report.ts'

/** Default recovery timer of iscsid and the kernel (scsi_transport_iscsi.c:recovery_tmo). */
const DEFAULT_TIMER_SECONDS = 120
/** Messages about one loss are logged within this many seconds of each other; syslog has whole seconds. */
const SAME_LOSS_SECONDS = 3
/**
 * Errors this close together are one failure, logged twice: login attempts are at least 2 s apart (DefaultTime2Wait).
 */
const DUPLICATE_SECONDS = 1
const MAX_REMEMBERED_FAILURES = 32
/** A hostile log could name any number of sessions. */
const MAX_CONNECTIONS = 2000

/** The connections of one boot, with their losses and recoveries. */
export interface Connections {
  all(): Connection[]
  connectionError(event: EventOf<'connection error'>, now: LogMoment): void
  pingTimeout(event: EventOf<'ping timeout'>, now: LogMoment): void
  /** @returns the outage whose timer expired last */
  timerExpired(event: EventOf<'timer expired'>, now: LogMoment): OpenOutage
  recovered(event: EventOf<'recovered'>, now: LogMoment): void
  loginOrLogout(event: EventOf<'login' | 'logout'>): void
  /** @returns whether an open outage explains it */
  unreachable(event: EventOf<'unreachable'>, now: LogMoment): boolean
  /** A login of a session failed. */
  loginFailed(session: number, now: LogMoment): void
  /** The target of a session; null if the log does not show it. */
  iqnOf(session: number): string | null
  /**
   * A disk answered: the session had recovered, although no line says so.
   * @param of the disk's session, or the outage that its errors were attributed to
   */
  deviceAnswered(of: number | OpenOutage, now: LogMoment): void
  /** Ends every open outage: the host was rebooted. */
  endByReboot(): void
}

export function openConnections(): Connections {
  const connections = new Map<string, Connection>()
  const timers = new Map<number, number>()
  let hasIscsidMessages = false

  function connectionOf({ session, connection }: { session: number; connection: number }): Connection {
    const key = `${session}:${connection}`
    let known = connections.get(key)
    if (!known) {
      known = { session, connection, iqn: null, portal: null, outages: [], left: 0, open: null, failures: [] }
      if (connections.size < MAX_CONNECTIONS) connections.set(key, known)
    }
    return known
  }

  /**
   * Whether an outage ended without a message before this error. Only iscsid logs a recovery. In a log without its
   * messages, an error after a quiet period longer than the recovery timer is a new loss: the kernel would have logged
   * that the timer expired.
   */
  function hadRecovered(outage: OpenOutage, session: number, now: LogMoment): boolean {
    if (hasIscsidMessages || outage.expired) return false
    return isAfter(
      outage.lastFailure,
      now,
      (timers.get(session) ?? DEFAULT_TIMER_SECONDS) + SAME_LOSS_SECONDS,
    )
  }

  function connectionError(event: EventOf<'connection error'>, now: LogMoment): void {
    const connection = connectionOf(event)
    if (connection.open && event.by === 'kernel' && hadRecovered(connection.open, event.session, now))
      finishOutage(connection, 'unseen')
    const { open } = connection
    const noticed = lossDetectionOf(event.code)
    if (!open) {
      startOutage(connection, now, now, event.words === null ? noticed : { ...noticed, words: event.words })
      return
    }
    // A ping timeout was logged first. Its description is more specific than that of the error.
    if (open.noticed.code === null) open.noticed = { ...noticed, words: open.noticed.words || noticed.words }
    if (event.by === 'kernel' && isAfter(open.lastError, now, DUPLICATE_SECONDS)) {
      open.failures++
      connection.failures.push(now)
      if (connection.failures.length > MAX_REMEMBERED_FAILURES) connection.failures.shift()
    }
    open.lastError = now
    noteLoss(open, now)
  }

  function pingTimeout(event: EventOf<'ping timeout'>, now: LogMoment): void {
    const connection = connectionOf(event)
    // Only a logged-in session sends pings (libiscsi.c:iscsi_check_transport_timeouts), so it had recovered.
    if (connection.open && isAfter(connection.open.lastFailure, now, SAME_LOSS_SECONDS))
      finishOutage(connection, 'unseen')
    if (connection.open) return
    startOutage(connection, now, now, {
      how: 'silent',
      code: null,
      words: `the target did not answer a ping for ${event.seconds} s${pingSettings(event)}`,
    })
  }

  function timerExpired({ session, seconds }: EventOf<'timer expired'>, now: LogMoment): OpenOutage {
    timers.set(session, seconds)
    const all = [...connections.values()].filter((connection) => connection.session === session)
    let last: OpenOutage | null = null
    for (const connection of all) {
      if (!connection.open) continue
      const { expired: earlier, timerInferred } = connection.open
      // The timer expired before: another loss started it again.
      if (earlier && !timerInferred) splitOutage(connection, seconds, now)
      last = expire(connection.open, seconds, now)
    }
    if (last) return last
    const connection = all[0] ?? connectionOf({ session, connection: 0 })
    return expire(startOutage(connection, before(now, seconds), now, NOT_DETECTED), seconds, now)
  }

  /** Ends the outage before the loss that started the timer again, and begins another one with that loss. */
  function splitOutage(connection: Connection, seconds: number, now: LogMoment): void {
    const first = connection.failures.find(
      (at) => (secondsBetween(at, now) ?? Number.POSITIVE_INFINITY) <= seconds + SAME_LOSS_SECONDS,
    )
    const { noticed } = connection.open!
    finishOutage(connection, 'unseen')
    startOutage(connection, first ?? before(now, seconds), now, first ? noticed : NOT_DETECTED)
  }

  function expire(outage: OpenOutage, seconds: number, now: LogMoment): OpenOutage {
    outage.expired = now
    outage.timer = seconds
    outage.timerInferred = false
    noteLoss(outage, now)
    return outage
  }

  function recovered(event: EventOf<'recovered'>, now: LogMoment): void {
    hasIscsidMessages = true
    const connection = connectionOf(event)
    const outage = connection.open ?? startOutage(connection, null, now, NOT_DETECTED)
    outage.back = now
    outage.attempts = event.attempts
    finishOutage(connection, 'back')
  }

  function loginOrLogout(event: EventOf<'login' | 'logout'>): void {
    hasIscsidMessages = true
    const connection = connectionOf(event)
    connection.iqn = event.iqn
    connection.portal = event.portal
    // iscsid logs this only for a new session (initiator.c:setup_full_feature_phase).
    if (connection.open) finishOutage(connection, event.kind)
  }

  /**
   * Before 2.1.7, iscsid does not log which connection failed: it is the one to that portal, or the only one whose portal
   * is unknown.
   */
  function unreachable({ session, portal, count }: EventOf<'unreachable'>, now: LogMoment): boolean {
    hasIscsidMessages = true
    const away = [...connections.values()].filter(({ open }) => open)
    const known = away.filter((connection) =>
      session === null ? connection.portal === portal : connection.session === session,
    )
    const unnamed = session === null ? away.filter((connection) => connection.portal === null) : []
    const matching = known.length > 0 ? known : unnamed.length === 1 ? unnamed : []
    for (const connection of matching) {
      connection.portal = portal
      connection.open!.failures += count
      noteLoss(connection.open!, now)
    }
    return known.length + unnamed.length > 0
  }

  function loginFailed(session: number, now: LogMoment): void {
    hasIscsidMessages = true
    for (const { session: other, open } of connections.values()) {
      if (other !== session || !open) continue
      // The kernel also logs that the target closed the connection.
      if (isAfter(open.lastError, now, DUPLICATE_SECONDS)) open.failures++
      open.lastError = now
      noteLoss(open, now)
    }
  }

  return {
    all: () => [...connections.values()],
    connectionError,
    pingTimeout,
    timerExpired,
    recovered,
    loginOrLogout,
    unreachable,
    loginFailed,
    iqnOf: (session) =>
      [...connections.values()].find((connection) => connection.session === session)?.iqn ?? null,
    deviceAnswered(of, now) {
      for (const connection of connections.values())
        if (
          (connection.session === of || connection.open === of) &&
          connection.open &&
          isAfter(connection.open.lastFailure, now, SAME_LOSS_SECONDS)
        )
          finishOutage(connection, 'unseen')
    },
    endByReboot() {
      for (const connection of connections.values()) finishOutage(connection, 'reboot')
    },
  }
}

function pingSettings({ seconds, interval }: EventOf<'ping timeout'>): string {
  return interval === null ? '' : ` (noop_out_interval ${interval}, noop_out_timeout ${seconds})`
}

const NOT_DETECTED: Outage['noticed'] = { how: 'unknown', code: null, words: 'the log does not show it' }
