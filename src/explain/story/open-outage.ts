import type { Moment } from './moment.ts'
import { secondsBetween } from './moment.ts'
import type { FileSystemFate, Outage } from '../report.ts'

/** An outage while its lines are read. */
export interface OpenOutage {
  /** Null: the log begins later. */
  lost: Moment | null
  noticed: Outage['noticed']
  timer: number | null
  timerInferred: boolean
  expired: Moment | null
  back: Moment | null
  ended: Outage['ended']
  /** What iscsid says when it is back. */
  attempts: number | null
  /** The failures that were seen. */
  failures: number
  /** Of I/O, by device; the suppressed ones, which name none, under the empty name. */
  readonly errors: Map<string, number>
  /** H:C:T:L of disks that were refused I/O. */
  readonly addresses: Set<string>
  readonly fileSystems: Map<string, { device: string; type: string; what: FileSystemFate; at: Moment }>
  /** Tasks that the kernel reported as waiting. */
  hungTasks: number
  /** multipathd, or the kernel's timer for it, ended the queueing of a map meanwhile. */
  queueingEnded: boolean
  /** SCSI error handling took a disk of the session offline. */
  givenUp: boolean
  /** The last time that the kernel said that the connection failed. */
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

/** The kernel lets I/O fail from now on; where it does not say that the timer ran out, this shows it. */
export function inferExpiry(outage: OpenOutage, now: Moment): void {
  if (outage.expired) return
  outage.expired = now
  const seconds = outage.lost && secondsBetween(outage.lost, now)
  if (seconds === null || seconds < 0) return
  outage.timer = Math.floor(seconds)
  outage.timerInferred = true
}
