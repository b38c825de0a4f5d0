import type { FileSystemFate } from './report.ts'

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
      readonly seconds: number
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
  | {
      readonly kind: 'file system'
      readonly device: string
      readonly type: string
      readonly what: FileSystemFate
    }

export type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>
