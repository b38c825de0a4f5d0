import type { CauseKind } from '../cause-kind.ts'
import type { Damage } from './damage.ts'
import type { DiskTopology } from './disk-topology.ts'
import type { OpenFileSystemFailures } from './file-system-failures.ts'
import type { LogMoment } from './moment.ts'
import { isAfter } from './moment.ts'

/** A hostile log could name any number of devices. */
const MAX_CAUSES = 500
/** Messages about one failed command are logged within this many seconds of each other. */
const SAME_COMMAND_SECONDS = 10

export interface OpenCause {
  readonly kind: CauseKind
  readonly subject: string
  readonly first: LogMoment
  last: LogMoment
  count: number
  ioErrors: number
  readonly detail: string | null
  readonly fileSystems: OpenFileSystemFailures
}

/** The causes that the log of one boot shows besides outages: one for each kind and subject. */
export interface Causes {
  /** @param times how many times the log shows it @default 1 */
  note(kind: CauseKind, subject: string, detail: string | null, now: LogMoment, times?: number): OpenCause
  /** Adds damage that no outage caused, and that the storage did not explain. */
  addDamage(damage: Damage): void
  /**
   * All causes. Those noted under a SCSI address are combined with those noted under the name of the same disk, and
   * unexplained failures of a disk that is not an iSCSI disk become one cause.
   */
  conclude(disks: DiskTopology): readonly OpenCause[]
  /** The device's last answer, if it is recent enough to explain an error now; null otherwise. */
  recentOf(device: string, now: LogMoment): OpenCause | null
}

/**
 * Answers of a device to a command. They are logged before the error that they explain, and show that the target was
 * reachable.
 */
const DEVICE_ANSWERS: ReadonlySet<CauseKind> = new Set([
  'no-space',
  'medium-error',
  'hardware-error',
  'command-aborted',
  'reservation-conflict',
  'lun-missing',
  'target-error',
])

/** Whether a cause of this kind is an answer of a device, which shows that its target was reachable. */
export function isDeviceAnswer(kind: CauseKind): boolean {
  return DEVICE_ANSWERS.has(kind)
}

export function openCauses(): Causes {
  const causes = new Map<string, OpenCause>()
  const lastAnswers = new Map<string, OpenCause>()
  const ofDamage: OpenCause[] = []
  let lastFullPool: OpenCause | null = null
  return {
    note(kind, name, detail, now, times = 1) {
      const subject = causes.size < MAX_CAUSES || causes.has(`${kind} ${name}`) ? name : 'others'
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
      cause.count += times
      if (isDeviceAnswer(kind)) lastAnswers.set(subject, cause)
      if (kind === 'no-space' && subject.startsWith('pool ')) lastFullPool = cause
      return cause
    },
    recentOf(device, now) {
      // The error names the thin volume, but the message about missing space names its pool.
      const cause = lastAnswers.get(device) ?? (device.startsWith('dm-') ? lastFullPool : null)
      return cause && !isAfter(cause.last, now, SAME_COMMAND_SECONDS) ? cause : null
    },
    addDamage({ disk, first, last, errors, fileSystems }) {
      const count = errors + fileSystems.size
      if (count === 0) return
      const kind = errors > 0 ? 'io-error' : 'file-system'
      ofDamage.push({ kind, subject: disk, first, last, count, ioErrors: errors, detail: null, fileSystems })
    },
    conclude(disks) {
      const merged = new Map<string, OpenCause>()
      for (const cause of [...causes.values(), ...ofDamage]) {
        const subject = disks.name(cause.subject) ?? cause.subject
        const isUnexplained = cause.kind === 'io-error' || cause.kind === 'file-system'
        const kind = isUnexplained && disks.isLocal(subject) ? 'not-iscsi' : cause.kind
        const key = `${kind} ${subject}`
        const known = merged.get(key)
        merged.set(key, known ? combined(known, cause) : { ...cause, kind, subject })
      }
      return [...merged.values()]
    },
  }
}

function combined(one: OpenCause, other: OpenCause): OpenCause {
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
