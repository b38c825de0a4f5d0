import type { Moment } from './moment.ts'
import { secondsBetween } from './moment.ts'
import type { FileSystemFate, Outage } from '../report.ts'

/** An outage while its lines are read. */
export interface OpenOutage {
  /** Null if the log starts later. */
  lost: Moment | null
  noticed: Outage['noticed']
  timer: number | null
  timerInferred: boolean
  expired: Moment | null
  back: Moment | null
  ended: Outage['ended']
  /** The attempts that iscsid reports when it is back. */
  attempts: number | null
  /** The failures in the log. */
  failures: number
  /** Failed I/O by device; suppressed messages, which name none, under the empty name. */
  readonly errors: Map<string, number>
  /** H:C:T:L of disks that rejected I/O. */
  readonly addresses: Set<string>
  readonly fileSystems: Map<string, { device: string; type: string; what: FileSystemFate; at: Moment }>
  /** Number of tasks that the kernel reported as blocked. */
  hungTasks: number
  /** multipathd, or the kernel's timer for it, ended the queueing of a map meanwhile. */
  queueingEnded: boolean
  /** SCSI error handling took a disk of the session offline. */
  givenUp: boolean
  /** When the kernel last reported that the connection failed. */
  lastError: Moment
  /** The last line that shows the target away. */
  lastSign: Moment
}

export function openOutage(lost: Moment | null, now: Moment, noticed: Outage['noticed']): OpenOutage {
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
    givenUp: false,
    lastError: now,
    lastSign: now,
  }
}

/** The kernel fails I/O from now on; if it does not log that the timer expired, this shows it. */
export function inferExpiry(outage: OpenOutage, now: Moment): void {
  if (outage.expired) return
  outage.expired = now
  const seconds = outage.lost && secondsBetween(outage.lost, now)
  if (seconds === null || seconds < 0) return
  outage.timer = Math.floor(seconds)
  outage.timerInferred = true
}
