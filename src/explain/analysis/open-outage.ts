import type { OpenFileSystemFailures } from './file-system-failures.ts'
import type { LogMoment } from './moment.ts'
import { secondsBetween } from './moment.ts'
import type { Outage } from '../report.ts'

/** An outage while the log is still being read. */
export interface OpenOutage {
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
  /** Number of I/O errors by device. Suppressed messages, which name no device, are under the empty name. */
  readonly errors: Map<string, number>
  /** H:C:T:L of disks that rejected I/O. */
  readonly addresses: Set<string>
  readonly fileSystems: OpenFileSystemFailures
  /** Number of tasks that the kernel reported as blocked. */
  hungTasks: number
  /** multipathd or the kernel's queue_if_no_path timeout ended the queueing of a map during the outage. */
  queueingEnded: boolean
  /** SCSI error handling took a disk of the session offline. */
  deviceOfflined: boolean
  /** When the kernel last reported that the connection failed. */
  lastError: LogMoment
  /** When the log last showed that the session was down. */
  lastSignOfLoss: LogMoment
}

export function openOutage(lost: LogMoment | null, now: LogMoment, noticed: Outage['noticed']): OpenOutage {
  return {
    lost,
    noticed,
    timer: null,
    timerInferred: false,
    expired: null,
    back: null,
    ended: null,
    attempts: null,
    failures: 0,
    errors: new Map(),
    addresses: new Set(),
    fileSystems: new Map(),
    hungTasks: 0,
    queueingEnded: false,
    deviceOfflined: false,
    lastError: now,
    lastSignOfLoss: now,
  }
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
