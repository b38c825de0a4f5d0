import type { Connections } from './connections.ts'
import type { Damage } from './damage.ts'
import type { DiskTopology } from './disk-topology.ts'
import type { LogMoment } from './moment.ts'
import { isAfter, secondsBetween } from './moment.ts'
import type { OpenOutage } from './open-outage.ts'

/** An error of a disk whose session is unknown is attributed to an outage whose I/O failed this recently. */
const UNATTRIBUTED_SECONDS = 600
/** Held I/O fails this soon after the timer expired; syslog has whole seconds. */
export const AT_EXPIRY_SECONDS = 3
/**
 * A disk that has not failed for this long, and fails again when the timer of another session expires, belongs to that
 * session: the names and addresses of disks are used again.
 */
const QUIET_SECONDS = 60
/** A command whose retries are used up fails within this time after the session is back. */
const AFTER_RETURN_SECONDS = 60
/** A hostile log could have any number of sessions that failed at the same time. */
const MAX_SUSPECTS = 16

/** A disk that failed. */
export interface FailedDisk {
  readonly disk: string
  readonly address: string | null
  /** The kernel rejected its I/O. */
  readonly isRejected: boolean
  /** The last damage of the disk. */
  readonly current: Damage | null
}

/** The outages that can have caused an error of a disk. */
export type CausedBy = Pick<Damage, 'suspects' | 'possible' | 'isCertain'>

/** Finds the outages that can have caused an error: by the session of the disk or, if that is unknown, by time. */
export interface Suspects {
  timerExpired(outage: OpenOutage): void
  /** An error was attributed to an outage. */
  diskFailed(): void
  /** @returns the current damage if the error continues it; null if no outage can have caused the error */
  of(failed: FailedDisk, now: LogMoment): CausedBy | Damage | null
  /** Whether a file system's error belongs to a session whose timer has just expired, not to the damage of its disk so far. */
  isOfOther(current: Damage, now: LogMoment): boolean
}

export function openSuspects(connections: Connections, disks: DiskTopology): Suspects {
  /** Outages whose timers expired one after the other, without an error between them. */
  let expiredTogether: readonly OpenOutage[] = []
  let hasFailedSinceExpiry = false
  let logsExpiry = false

  /** The outages whose timers expired just now. */
  function atExpiry(address: string | null, now: LogMoment): readonly OpenOutage[] {
    return expiredTogether.filter(
      (outage) =>
        outage.ended === null &&
        !isAfter(outage.expired!, now, AT_EXPIRY_SECONDS) &&
        canHave(outage, address),
    )
  }

  /** Whether a disk can belong to the session of an outage: each session has a SCSI host of its own. */
  function canHave({ session }: OpenOutage, address: string | null): boolean {
    const host = address === null ? null : disks.sessionHostOf(address)
    const ofSession = disks.hostOfSession(session)
    return host === null || ofSession === null || host === ofSession
  }

  /** Whether I/O of a disk of an unknown session can fail now because of an open outage. */
  function canFail(outage: OpenOutage, { address, isRejected }: FailedDisk, now: LogMoment): boolean {
    if (!canHave(outage, address)) return false
    // A log of important messages only does not show that a timer expired, but that I/O is rejected.
    if (isRejected && (!logsExpiry || disks.wasOfflined(address!))) return true
    if (outage.expired === null && !outage.deviceOfflined) return false
    return isRejected || !isAfter(outage.lastFailure, now, UNATTRIBUTED_SECONDS)
  }

  function ofSessions(sessions: readonly number[], current: Damage | null, now: LogMoment) {
    const latest = connections
      .all()
      .filter(({ session }) => sessions.includes(session))
      .flatMap(({ outages }) => outages.slice(-1))
    // An outage that ended long ago cannot be the reason. A map fails when its last path does.
    const outage = lastToFail(latest.filter((each) => canStillFail(each, now)))
    if (!outage) return null
    return current?.isCertain && current.suspects[0] === outage ? current : only(outage, true)
  }

  function byTime(failed: FailedDisk, now: LogMoment): CausedBy | Damage | null {
    const { disk, address, current } = failed
    const left =
      current?.isCertain === false ? current.suspects.filter((each) => canStillFail(each, now)) : []
    const expiring = atExpiry(address, now)
    if (left.some(({ ended }) => ended === null) && !isOther(current!, expiring, now))
      return left.length === current!.suspects.length
        ? current
        : { suspects: left, possible: left, isCertain: false }
    const possible = onePerSession(
      connections.all().flatMap(({ open }) => (open && canFail(open, failed, now) ? [open] : [])),
    )
    const suspects = expiring.length > 0 ? onePerSession(expiring) : possible
    if (suspects.length === 0) return left.length > 0 ? current : null
    return disks.isMap(disk) ? only(lastToFail(suspects)!, false) : { suspects, possible, isCertain: false }
  }

  return {
    timerExpired(outage) {
      logsExpiry = true
      const earlier = hasFailedSinceExpiry ? [] : expiredTogether.filter((other) => other !== outage)
      expiredTogether = [...earlier, outage].slice(-MAX_SUSPECTS)
      hasFailedSinceExpiry = false
    },
    diskFailed: () => void (hasFailedSinceExpiry = true),
    of(failed, now) {
      const { disk, address, current } = failed
      const sessions = address === null ? disks.sessionsOf(disk) : disks.sessionsAt(address)
      return sessions === null ? byTime(failed, now) : ofSessions(sessions, current, now)
    },
    isOfOther: (current, now) => isOther(current, atExpiry(current.address, now), now),
  }
}

function only(outage: OpenOutage, isCertain: boolean): CausedBy {
  return { suspects: [outage], possible: [outage], isCertain }
}

function isOther({ last, suspects }: Damage, expiring: readonly OpenOutage[], now: LogMoment): boolean {
  return (
    expiring.length > 0 &&
    isAfter(last, now, QUIET_SECONDS) &&
    !expiring.some((outage) => suspects.includes(outage))
  )
}

/** A session has several connections only with some adapters. */
function onePerSession(outages: readonly OpenOutage[]): readonly OpenOutage[] {
  const bySession = Map.groupBy(outages, ({ session }) => session)
  return [...bySession.values()].map((each) => lastToFail(each)!).slice(-MAX_SUSPECTS)
}

/** Whether an outage can be the reason of an error now: it is open, or ended a moment ago. */
function canStillFail({ ended, back, lastFailure }: OpenOutage, now: LogMoment): boolean {
  return ended === null || !isAfter(back ?? lastFailure, now, AFTER_RETURN_SECONDS)
}

/** Of several outages, the one whose timer expired last: that of the last path. */
function lastToFail(outages: readonly OpenOutage[]): OpenOutage | undefined {
  return outages.reduce<OpenOutage | undefined>((best, outage) => {
    if (!best || (outage.expired && !best.expired)) return outage
    if (!outage.expired || !best.expired) return best
    return (secondsBetween(best.expired, outage.expired) ?? 0) >= 0 ? outage : best
  }, undefined)
}
