import type { CauseKind } from '../cause-kind.ts'
import type { FileSystemFate } from '../report.ts'
import type { Moment } from './moment.ts'
import { isAfter } from './moment.ts'

/** A hostile log could name any number of devices. */
const MOST_CAUSES = 500
/** Lines about one failed command are this close together; syslog counts whole seconds. */
const TOGETHER = 10

export interface OpenCause {
  readonly kind: CauseKind
  readonly subject: string
  readonly first: Moment
  last: Moment
  count: number
  ioErrors: number
  readonly detail: string | null
  readonly fileSystems: Map<string, { device: string; type: string; what: FileSystemFate; at: Moment }>
}

/** What the log of one boot shows besides outages, one entry for each kind and subject. */
export interface Causes {
  note(kind: CauseKind, subject: string, detail: string | null, now: Moment): OpenCause
  /** Moves what was recorded under an address to the name, once the name is known. */
  renamed(name: (address: string) => string | null): readonly OpenCause[]
  /** The last answer of a device that explains an error right after it. */
  recentOf(device: string, now: Moment): OpenCause | null
}

/** Answers of a device: they precede the error that they explain, and show that the target was there. */
const ANSWERS: ReadonlySet<CauseKind> = new Set([
  'no-space',
  'medium-error',
  'hardware-error',
  'command-aborted',
  'reservation-conflict',
  'lun-missing',
  'target-error',
])

export function isAnswer(kind: CauseKind): boolean {
  return ANSWERS.has(kind)
}

export function openCauses(): Causes {
  const causes = new Map<string, OpenCause>()
  const answers = new Map<string, OpenCause>()
  let pool: OpenCause | null = null
  return {
    note(kind, name, detail, now) {
      const subject = causes.size < MOST_CAUSES || causes.has(`${kind} ${name}`) ? name : 'others'
      const key = `${kind} ${subject}`
      let cause = causes.get(key)
      if (!cause) {
        cause = {
          kind,
          subject,
          first: now,
          last: now,
          count: 0,
          ioErrors: 0,
          detail,
          fileSystems: new Map(),
        }
        causes.set(key, cause)
      }
      cause.last = now
      cause.count++
      if (isAnswer(kind)) answers.set(subject, cause)
      if (kind === 'no-space' && subject.startsWith('pool ')) pool = cause
      return cause
    },
    recentOf(device, now) {
      // A thin volume's errors name the volume, its pool's message names the pool.
      const cause = answers.get(device) ?? (device.startsWith('dm-') ? pool : null)
      return cause && !isAfter(cause.last, now, TOGETHER) ? cause : null
    },
    renamed(name) {
      const merged = new Map<string, OpenCause>()
      for (const cause of causes.values()) {
        const subject = name(cause.subject) ?? cause.subject
        const key = `${cause.kind} ${subject}`
        const known = merged.get(key)
        merged.set(key, known ? joined(known, cause) : { ...cause, subject })
      }
      return [...merged.values()]
    },
  }
}

function joined(one: OpenCause, other: OpenCause): OpenCause {
  const [first, last] = isAfter(one.first, other.first, 0) ? [one, other] : [other, one]
  return {
    ...one,
    first: first.first,
    last: isAfter(one.last, other.last, 0) ? other.last : one.last,
    count: one.count + other.count,
    ioErrors: one.ioErrors + other.ioErrors,
    detail: first.detail ?? last.detail,
    fileSystems: new Map([...first.fileSystems, ...last.fileSystems]),
  }
}
