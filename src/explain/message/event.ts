import type { CauseKind } from '../cause-kind.ts'
import type { FileSystemFate } from '../report.ts'

/** What one line of a log says, as far as it matters here. */
export type Event =
  | { readonly kind: 'boot' }
  /** A connection failed; iscsid's line has words of its own. */
  | {
      readonly kind: 'lost'
      readonly by: 'kernel' | 'iscsid'
      readonly session: number
      readonly connection: number
      readonly code: number
      readonly words: string | null
    }
  /** A ping of the initiator was not answered; the kernel fails the connection next. */
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
  /** iscsid did not get through to a portal, so many times. */
  | { readonly kind: 'unreachable'; readonly portal: string; readonly count: number }
  | { readonly kind: 'iscsi host'; readonly host: number }
  | { readonly kind: 'disk'; readonly address: string; readonly disk: string }
  /** The kernel refuses I/O because the device is offline. */
  | { readonly kind: 'refused'; readonly address: string }
  /** SCSI error handling, not a timer, took it offline. */
  | { readonly kind: 'given up'; readonly address: string }
  | { readonly kind: 'I/O error'; readonly device: string }
  | { readonly kind: 'suppressed'; readonly count: number }
  | { readonly kind: 'path failed'; readonly map: string; readonly disk: string | null }
  /** multipathd, or the kernel's own timer, has a map fail what it had queued. */
  | { readonly kind: 'queueing ended'; readonly map: string }
  /** Why I/O or a mount failed, or why a target did not serve: not the loss of a connection. */
  | {
      readonly kind: 'cause'
      readonly cause: CauseKind
      /** A device, an H:C:T:L, a map, a volume, an IQN. */
      readonly subject: string
      readonly address: string | null
      /** The line is itself a report of failed I/O. */
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

/** @param detail at most so much of it is kept */
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
