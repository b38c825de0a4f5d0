import type { CauseKind } from './cause-kind.ts'

/** How it became known that the connection was lost. */
export type Noticing = 'closed' | 'silent' | 'failed' | 'reset' | 'protocol' | 'unknown'

/** What a file system said it became. */
export type FileSystemFate = 'data lost' | 'error' | 'journal aborted' | 'read-only' | 'shut down'

/** What became of one file system; told once for each device and fate. */
export interface FileSystemFailure {
  /** sdb1, dm-0. */
  readonly device: string
  readonly type: string
  readonly what: FileSystemFate
  readonly at: string | null
  readonly uptime: number | null
}

/** A hold that rides out the same outage. */
export interface Prevention {
  /** Seconds: enough where `known`, else a bound that it must be longer than. Null where the log has no times. */
  readonly holdSeconds: number | null
  /** Whether the log says when the target was back. */
  readonly known: boolean
  readonly words: string
}

/** Times: ISO where the log has dates, in the log's own zone where it names none; `…Uptime`: seconds since boot. */
export interface Outage {
  readonly lostAt: string | null
  readonly lostUptime: number | null
  readonly noticed: { readonly how: Noticing; readonly code: number | null; readonly words: string }
  /** The session's recovery timer, seconds, as far as it shows. */
  readonly timer: number | null
  /** The kernel did not say that the timer ran out; the first I/O that was refused shows it. */
  readonly timerInferred: boolean
  readonly expiredAt: string | null
  readonly expiredUptime: number | null
  readonly backAt: string | null
  readonly backUptime: number | null
  /** What else ended it: the kernel's messages show that the session was back; a logout; a new login; a reboot. */
  readonly ended: 'back' | 'unseen' | 'logout' | 'login' | 'reboot' | null
  /** iscsid's own count; where it says none, the failures that the log shows. */
  readonly attempts: number | null
  /** From lost to back. */
  readonly seconds: number | null
  /** After so many seconds the log still showed the target away; where it came back, the same as `seconds`. */
  readonly awayAtLeast: number | null
  /** Messages about failed I/O, those that the kernel suppressed included. */
  readonly ioErrors: number
  readonly devices: readonly string[]
  readonly fileSystems: readonly FileSystemFailure[]
  /** Nothing above the session failed, as far as the log goes. Errors of a path that its map hid are none. */
  readonly survived: boolean
  /** What made I/O fail: the recovery timer, the end of multipathd's queueing, SCSI error handling, or too many losses. */
  readonly failedBy: 'timer' | 'multipathd' | 'error handling' | 'retries' | null
  /** Messages about tasks that waited meanwhile (hung_task). */
  readonly hungTasks: number
  readonly prevention: Prevention
}

/** One connection of one session, as long as the machine ran. */
export interface SessionStory {
  /** Whose log it is, where the lines say so. */
  readonly host: string | null
  /** Counts the boots that the log shows of this host; the same session number in another boot is another session. */
  readonly boot: number
  readonly session: number
  readonly connection: number
  readonly portal: string | null
  readonly iqn: string | null
  /** In the order of the log; of more than a thousand the worst and the longest. */
  readonly outages: readonly Outage[]
  /** Further outages, which did no harm and were shorter. */
  readonly left: number
}

/** Something else than an outage that the log shows. */
export interface Cause {
  readonly host: string | null
  readonly boot: number
  readonly kind: CauseKind
  /** A device, a map, a volume, an IQN, a session. */
  readonly subject: string
  readonly what: string
  /** What would have helped. */
  readonly advice: string
  /** Messages that name it. */
  readonly count: number
  /** Messages about failed I/O that it explains. */
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

/** A line that could not be read. */
export interface UnreadLine {
  /** Counted from 1. */
  readonly number: number | null
  readonly text: string
}

/** One file, or standard input. */
export interface LogInput {
  readonly name: string
  readonly lines: number
  /** At least one line was understood as a line of a log. */
  readonly understood: boolean
  /** The first line of an input that was not understood. */
  readonly firstUnread: UnreadLine | null
  /** Lines that mention a session's loss or return, and could not be read. */
  readonly missed: number
  /** Why it could not be read to its end. */
  readonly problem: string | null
  readonly span: Span
}

export interface Explanation {
  /** Those that were lost at least once. */
  readonly sessions: readonly SessionStory[]
  readonly causes: readonly Cause[]
  readonly inputs: readonly LogInput[]
  /** Of all inputs. */
  readonly lines: number
  readonly span: Span
}
