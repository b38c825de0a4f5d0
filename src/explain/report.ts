import type { CauseKind } from './cause-kind.ts'

/** How the loss of a connection was detected. */
export type LossDetection = 'closed' | 'silent' | 'failed' | 'reset' | 'protocol' | 'unknown'

/** What a file system reported about itself. */
export type FileSystemFailureKind = 'data lost' | 'error' | 'journal aborted' | 'read-only' | 'shut down'

/** A failure of a file system, reported once for each device and kind. */
export interface FileSystemFailure {
  /** The device that the message names: sdb1, dm-0. */
  readonly device: string
  readonly type: string
  readonly what: FileSystemFailureKind
  readonly at: string | null
  readonly uptime: number | null
}

/** Failures of a disk that belongs to one of several sessions; the log does not show to which. */
export interface SharedFailure {
  /** The numbers of the sessions. */
  readonly sessions: readonly number[]
  readonly device: string
  readonly ioErrors: number
  readonly isRejected: boolean
  readonly fileSystems: readonly FileSystemFailure[]
}

/** The hold that would have survived the outage. */
export interface Prevention {
  /**
   * In seconds: sufficient if `known`; otherwise the hold must be longer. Null if the log does not show a length, or a
   * hold does not help.
   */
  readonly holdSeconds: number | null
  /** Whether the log shows when the target returned. */
  readonly known: boolean
  readonly words: string
}

/**
 * One outage of a connection. `…At`: ISO 8601 if the log has dates, without a zone if the log names none. `…Uptime`:
 * seconds since boot.
 */
export interface Outage {
  readonly lostAt: string | null
  readonly lostUptime: number | null
  readonly noticed: { readonly how: LossDetection; readonly code: number | null; readonly words: string }
  /** The session's recovery timer in seconds, if the log shows it. */
  readonly timer: number | null
  /** The kernel did not log that the timer expired; this was inferred from the first rejected I/O. */
  readonly timerInferred: boolean
  readonly expiredAt: string | null
  readonly expiredUptime: number | null
  readonly backAt: string | null
  readonly backUptime: number | null
  /**
   * How the outage ended. `back`: iscsid logged the recovery. `unseen`: later messages show that the session had recovered.
   * Null: the log does not show an end.
   */
  readonly ended: 'back' | 'unseen' | 'logout' | 'login' | 'reboot' | null
  /** Failed login attempts: iscsid's own count; without one, the failures in the log. */
  readonly attempts: number | null
  /** Length of the outage, from loss to return. */
  readonly seconds: number | null
  /**
   * The outage lasted at least this many seconds, as far as the log shows. Equal to `seconds` if the return is logged.
   */
  readonly awayAtLeast: number | null
  /** Messages about failed I/O, including those that the kernel suppressed. */
  readonly ioErrors: number
  readonly devices: readonly string[]
  /** Those of the devices whose I/O the kernel rejected. */
  readonly rejected: readonly string[]
  readonly fileSystems: readonly FileSystemFailure[]
  /** Failures of this session or of another one that was lost at the time. Not included in the fields above. */
  readonly shared: readonly SharedFailure[]
  /** Nothing above the session failed, as far as the log shows. Errors of a path below a multipath map do not count. */
  readonly survived: boolean
  /**
   * What made I/O fail: the recovery timer, the end of multipathd's queueing, SCSI error handling, or too many losses.
   */
  readonly failedBy: 'timer' | 'multipathd' | 'error handling' | 'retries' | null
  /** Messages about tasks that were blocked during the outage (hung_task). */
  readonly hungTasks: number
  readonly prevention: Prevention
}

/** A boot of a host. */
export interface WhichBoot {
  /** Host of the log, if the lines name it. */
  readonly host: string | null
  /** The log, or the name of its rotated set, if the lines do not name the host. */
  readonly log: string | null
  /** Number of the boot, counted from 0 within the logs of the host. Session numbers start again with each boot. */
  readonly boot: number
}

/** The outages of one connection of a session, within one boot. */
export interface SessionOutages extends WhichBoot {
  readonly session: number
  readonly connection: number
  readonly portal: string | null
  readonly iqn: string | null
  /** In the order of the log. If there are more than a thousand, those that did harm and the longest are kept. */
  readonly outages: readonly Outage[]
  /** Number of outages that were not kept. */
  readonly left: number
}

/** A problem other than an outage that the log shows. */
export interface Cause extends WhichBoot {
  readonly kind: CauseKind
  /** A device, a map, a volume, an IQN or a session. */
  readonly subject: string
  readonly what: string
  /** What would have helped. */
  readonly advice: string
  /** Number of messages about it. */
  readonly count: number
  /** Number of messages about failed I/O that it explains. */
  readonly ioErrors: number
  readonly fileSystems: readonly FileSystemFailure[]
  readonly firstAt: string | null
  readonly firstUptime: number | null
  readonly lastAt: string | null
  readonly lastUptime: number | null
  /** The first message, shortened. */
  readonly detail: string | null
}

/** The time that a log covers. */
export interface Span {
  readonly from: string | null
  readonly to: string | null
  readonly fromUptime: number | null
  readonly toUptime: number | null
}

/** A line that could not be parsed. */
export interface UnreadLine {
  /** Counted from 1. */
  readonly number: number | null
  readonly text: string
}

/** One file, or standard input. */
export interface LogInput {
  readonly name: string
  readonly lines: number
  /** At least one line was recognized as a line of a log. */
  readonly understood: boolean
  /** The first line of an input that was not recognized. */
  readonly firstUnread: UnreadLine | null
  /** Number of lines that mention a session's loss or return and could not be parsed. */
  readonly missed: number
  /** Why the log could not be read to its end. */
  readonly problem: string | null
  readonly span: Span
}

/** The result of `explain`. A published contract. */
export interface Explanation {
  /** Connections that were lost at least once. */
  readonly sessions: readonly SessionOutages[]
  readonly causes: readonly Cause[]
  readonly inputs: readonly LogInput[]
  /** Totals of all inputs. */
  readonly lines: number
  readonly span: Span
}
