import type { CauseKind } from '../cause-kind.ts'
import type { FileSystemFailureKind } from '../report.ts'

/** What one line of a log reports. */
export type Event =
  | { readonly kind: 'boot' }
  /** A connection failed. `words`: iscsid's description of the error code. */
  | {
      readonly kind: 'connection error'
      readonly by: 'kernel' | 'iscsid'
      readonly session: number
      readonly connection: number
      readonly code: number
      readonly words: string | null
    }
  /** The target did not answer a NOP-Out ping of the initiator. The kernel then fails the connection. */
  | {
      readonly kind: 'ping timeout'
      readonly session: number
      readonly connection: number
      /** node.conn[0].timeo.noop_out_timeout */
      readonly seconds: number
      /** node.conn[0].timeo.noop_out_interval */
      readonly interval: number | null
    }
  /** The recovery timer of a session expired: from now on its I/O fails. */
  | { readonly kind: 'timer expired'; readonly session: number; readonly seconds: number }
  /** iscsid logged in again after an outage. */
  | {
      readonly kind: 'recovered'
      readonly session: number
      readonly connection: number
      readonly attempts: number
    }
  | {
      readonly kind: 'login' | 'logout'
      readonly session: number
      readonly connection: number
      readonly iqn: string
      readonly portal: string
    }
  /** iscsid failed to connect to a portal `count` times. */
  | {
      readonly kind: 'unreachable'
      readonly session: number | null
      readonly portal: string
      readonly count: number
      readonly detail: string
    }
  /**
   * The kernel created a SCSI host: for one iSCSI session, for an adapter that has several sessions, or for other disks.
   */
  | { readonly kind: 'scsi host'; readonly host: number; readonly of: 'session' | 'adapter' | 'other' }
  /** A line that shows the name (sdb) of a SCSI address (H:C:T:L). `isNew`: the disk was attached just now. */
  | { readonly kind: 'disk'; readonly address: string; readonly disk: string; readonly isNew: boolean }
  /** The kernel rejects I/O because the device is offline. */
  | { readonly kind: 'I/O rejected'; readonly address: string }
  /** A disk of the machine itself, at an ATA port, failed. `address`: where the kernel detached it. */
  | { readonly kind: 'ATA error'; readonly port: number; readonly address: string | null }
  /** SCSI error handling, not the recovery timer, took the device offline. */
  | { readonly kind: 'device offlined'; readonly address: string }
  | { readonly kind: 'I/O error'; readonly device: string }
  /** The kernel rate-limited its messages about failed I/O. */
  | { readonly kind: 'messages suppressed'; readonly count: number }
  | { readonly kind: 'path failed'; readonly map: string; readonly disk: string | null }
  /** multipathd, or the kernel's own timer, made a map fail its queued I/O. */
  | { readonly kind: 'queueing ended'; readonly map: string }
  /** A reason other than a lost connection why I/O or a mount failed, or why a target did not serve. */
  | {
      readonly kind: 'cause'
      readonly cause: CauseKind
      /** A device, an H:C:T:L, a map, a volume or an IQN. */
      readonly subject: string
      readonly address: string | null
      /** The session whose login failed. */
      readonly session?: number
      /** How many times it happened. @default 1 */
      readonly times?: number
      /** Whether the line itself reports a failed request. */
      readonly failedIo?: boolean
      readonly detail: string | null
    }
  | {
      readonly kind: 'file system'
      readonly device: string
      readonly type: string
      readonly what: FileSystemFailureKind
    }

export type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>

/** Makes a `cause` event. `detail`: the message, already shortened. */
export function cause(
  kind: CauseKind,
  subject: string,
  {
    address = null,
    detail = null,
    ...more
  }: Partial<Omit<EventOf<'cause'>, 'kind' | 'cause' | 'subject'>> = {},
): EventOf<'cause'> {
  return { kind: 'cause', cause: kind, subject, address, detail, ...more }
}
