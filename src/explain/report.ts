import type { CauseKind } from './cause-kind.ts'

/** How the loss of a connection was detected. */
export type Noticing = 'closed' | 'silent' | 'failed' | 'reset' | 'protocol' | 'unknown'

/** What a file system reported about itself. */
export type FileSystemFate = 'data lost' | 'error' | 'journal aborted' | 'read-only' | 'shut down'

/** What became of a file system; reported once for each device and fate. */
export interface FileSystemFailure {
  /** sdb1, dm-0. */
  readonly device: string
  readonly type: string
  readonly what: FileSystemFate
  readonly at: string | null
  readonly uptime: number | null
}

/** The hold that survives the same outage. */
export interface Prevention {
  /** Seconds: sufficient if `known`, otherwise a bound that the hold must exceed. Null if the log has no times. */
  readonly holdSeconds: number | null
  /** Whether the log shows when the target was back. */
  readonly known: boolean
  readonly words: string
}

/** Times: ISO if the log has dates, in the log's own zone if it names none; `…Uptime`: seconds since boot. */
export interface Outage {
  readonly lostAt: string | null
  readonly lostUptime: number | null
  readonly noticed: { readonly how: Noticing; readonly code: number | null; readonly words: string }
  /** The session's recovery timer in seconds, as far as it is visible. */
  readonly timer: number | null
  /** The kernel did not log that the timer expired; the first rejected I/O shows it. */
  readonly timerInferred: boolean
  readonly expiredAt: string | null
  readonly expiredUptime: number | null
  readonly backAt: string | null
  readonly backUptime: number | null
  /** What else ended the outage: kernel messages that show the session was back, a logout, a new login, a reboot. */
  readonly ended: 'back' | 'unseen' | 'logout' | 'login' | 'reboot' | null
  /** iscsid's own count; without one, the failures in the log. */
  readonly attempts: number | null
  /** From loss to return. */
  readonly seconds: number | null
  /** Number of seconds after which the log still showed the target away; if it came back, equal to `seconds`. */
  readonly awayAtLeast: number | null
  /** Messages about failed I/O, including those that the kernel suppressed. */
  readonly ioErrors: number
  readonly devices: readonly string[]
  readonly fileSystems: readonly FileSystemFailure[]
  /** Nothing above the session failed, as far as the log shows. Errors of a path that its map hid do not count. */
  readonly survived: boolean
  /**
   * What made I/O fail: the recovery timer, the end of multipathd's queueing, SCSI error handling, or too many losses.
   */
  readonly failedBy: 'timer' | 'multipathd' | 'error handling' | 'retries' | null
  /** Messages about tasks that were blocked meanwhile (hung_task). */
  readonly hungTasks: number
  readonly prevention: Prevention
}

/** One connection of one session, within one boot. */
export interface SessionStory {
  /** Host of the log, if the lines name it. */
  readonly host: string | null
  /** Counts the boots of this host in the log; the same session number in another boot is another session. */
  readonly boot: number
  readonly session: number
  readonly connection: number
  readonly portal: string | null
  readonly iqn: string | null
  /** In the order of the log; of more than a thousand, the worst and the longest. */
  readonly outages: readonly Outage[]
  /** Number of further outages, which were shorter and did no harm. */
  readonly left: number
}

/** A problem other than an outage that the log shows. */
export interface Cause {
  readonly host: string | null
  readonly boot: number
  readonly kind: CauseKind
  /** A device, a map, a volume, an IQN or a session. */
  readonly subject: string
  readonly what: string
  /** What would have helped. */
  readonly advice: string
  /** Number of messages that name it. */
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
  /** Sessions that were lost at least once. */
  readonly sessions: readonly SessionStory[]
  readonly causes: readonly Cause[]
  readonly inputs: readonly LogInput[]
  /** Totals of all inputs. */
  readonly lines: number
  readonly span: Span
}
