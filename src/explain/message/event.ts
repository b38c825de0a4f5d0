import type { CauseKind } from '../cause-kind.ts'
import type { FileSystemFate } from '../report.ts'

/** The relevant content of one line of a log. */
export type Event =
  | { readonly kind: 'boot' }
  /** A connection failed; `words` are iscsid's. */
  | {
      readonly kind: 'lost'
      readonly by: 'kernel' | 'iscsid'
      readonly session: number
      readonly connection: number
      readonly code: number
      readonly words: string | null
    }
  /** A ping of the initiator was not answered; next, the kernel fails the connection. */
  | {
      readonly kind: 'silent'
      readonly session: number
      readonly connection: number
      /** node.conn[0].timeo.noop_out_timeout */
      readonly seconds: number
      /** node.conn[0].timeo.noop_out_interval */
      readonly interval: number | null
    }
  | { readonly kind: 'expired'; readonly session: number; readonly seconds: number }
  | {
      readonly kind: 'back'
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
  /** Failed attempts of iscsid to reach a portal. */
  | { readonly kind: 'unreachable'; readonly portal: string; readonly count: number }
  | { readonly kind: 'iscsi host'; readonly host: number }
  | { readonly kind: 'disk'; readonly address: string; readonly disk: string }
  /** The kernel refuses I/O because the device is offline. */
  | { readonly kind: 'refused'; readonly address: string }
  /** Whether SCSI error handling, not a timer, took it offline. */
  | { readonly kind: 'given up'; readonly address: string }
  | { readonly kind: 'I/O error'; readonly device: string }
  | { readonly kind: 'suppressed'; readonly count: number }
  | { readonly kind: 'path failed'; readonly map: string; readonly disk: string | null }
  /** multipathd, or the kernel's own timer, made a map fail its queued I/O. */
  | { readonly kind: 'queueing ended'; readonly map: string }
  /** The reason why I/O or a mount failed, or why a target did not serve, other than the loss of a connection. */
  | {
      readonly kind: 'cause'
      readonly cause: CauseKind
      /** A device, an H:C:T:L, a map, a volume or an IQN. */
      readonly subject: string
      readonly address: string | null
      /** Whether the line itself reports failed I/O. */
      readonly failedIo?: boolean
      readonly detail: string | null
    }
  | {
      readonly kind: 'file system'
      readonly device: string
      readonly type: string
      readonly what: FileSystemFate
    }

export type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>

/** @param detail truncated to a fixed length */
export function cause(
  kind: CauseKind,
  subject: string,
  {
    address = null,
    detail = null,
    failedIo = false,
  }: { address?: string | null; detail?: string | null; failedIo?: boolean } = {},
): Event {
  return { kind: 'cause', cause: kind, subject, address, detail, failedIo }
}
