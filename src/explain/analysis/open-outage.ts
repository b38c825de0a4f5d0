import type { Damage } from './damage.ts'
import type { LogMoment } from './moment.ts'
import { secondsBetween } from './moment.ts'
import type { Outage } from '../report.ts'

/** An outage while the log is still being read. */
export interface OpenOutage {
  readonly session: number
  /** Null if the log starts after the loss. */
  lost: LogMoment | null
  noticed: Outage['noticed']
  timer: number | null
  timerInferred: boolean
  expired: LogMoment | null
  back: LogMoment | null
  ended: Outage['ended']
  /** Number of login attempts, which iscsid logs when the session is back. */
  attempts: number | null
  /** Number of failed attempts that the log shows. */
  failures: number
  /** What this outage may have broken. */
  readonly damage: Set<Damage>
  /** The part of it whose messages name no disk. */
  unnamed: Damage | null
  /** Number of tasks that the kernel reported as blocked. */
  hungTasks: number
  /** multipathd or the kernel's queue_if_no_path timeout ended the queueing of a map during the outage. */
  queueingEnded: boolean
  /** SCSI error handling took a disk of the session offline. */
  deviceOfflined: boolean
  /** When the kernel last reported that the connection failed. */
  lastError: LogMoment
  /** When a message about the session last showed that it was down. */
  lastSignOfLoss: LogMoment
  /** The same, or when a disk last failed that most likely belongs to the session. */
  lastFailure: LogMoment
}

export function openOutage(
  session: number,
  lost: LogMoment | null,
  now: LogMoment,
  noticed: Outage['noticed'],
): OpenOutage {
  return {
    session,
    lost,
    noticed,
    timer: null,
    timerInferred: false,
    expired: null,
    back: null,
    ended: null,
    attempts: null,
    failures: 0,
    damage: new Set(),
    unnamed: null,
    hungTasks: 0,
    queueingEnded: false,
    deviceOfflined: false,
    lastError: now,
    lastSignOfLoss: now,
    lastFailure: now,
  }
}

/** Records that a message about the session showed that it was down. */
export function noteLoss(outage: OpenOutage, now: LogMoment): void {
  outage.lastSignOfLoss = now
  outage.lastFailure = now
}

/** Infers from rejected I/O that the recovery timer expired, if the kernel has not logged it. */
export function inferExpiry(outage: OpenOutage, now: LogMoment): void {
  if (outage.expired) return
  outage.expired = now
  const seconds = outage.lost && secondsBetween(outage.lost, now)
  if (seconds === null || seconds < 0) return
  outage.timer = Math.floor(seconds)
  outage.timerInferred = true
}
