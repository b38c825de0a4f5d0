import { readHoldNote } from '../../state/records/hold-note.ts'
import type { Host } from '../../host/host.ts'
import type { Attachment, VolumeStatus } from '../../model/attachment.ts'
import { isPathUp } from '../../model/attachment.ts'
import { limitText } from '../../model/hold-text.ts'
import type { Mount } from '../../model/snapshot.ts'

/** A problem of a volume on this node. */
export interface Adverse {
  readonly kind: 'inaccessible' | 'data-loss' | 'degraded'
  /** One word, for programs. Each kind and reason is reported once per volume. */
  readonly reason: string
  /** For people. */
  readonly message: string
}

/** Options that show that a file system has stopped writing. */
const STOPPED_WRITING = new Set(['ro', 'emergency_ro', 'shutdown'])

/**
 * The most serious problem of a volume; null if it is healthy.
 * @param silence why its file system does not answer; null if it does
 */
export function adverseOf(
  host: Host,
  record: Attachment,
  { state, hold, paths }: VolumeStatus,
  { mount, silence }: { readonly mount: Mount | null; readonly silence: string | null },
): Adverse | null {
  const note = readHoldNote(host, record.name)
  if (state === 'holding')
    return inaccessible(
      'TargetAway',
      `its target ${hold.since ? `has been away since ${hold.since}` : 'is away'}: I/O is held ${hold.deadline ? `until ${hold.deadline}` : limitText(hold.effective)}`,
    )
  if (state !== 'ready')
    return note?.trouble
      ? inaccessible('Refused', note.trouble)
      : note
        ? inaccessible('HoldOver', `its hold is over (${note.ended}): I/O has failed`)
        : inaccessible('NotReady', `it is ${state}`)
  if (silence !== null) return inaccessible('FileSystemSilent', silence)
  // After an error, ext4 remounts itself read-only.
  if (!record.request.use.readOnly && mount?.superOptions.some((option) => STOPPED_WRITING.has(option)))
    return TURNED_READ_ONLY
  const lost = paths.filter((path) => !isPathUp(path))
  if (lost.length === 0) return null
  const message = `${lost.length} of ${paths.length} paths are lost: ${lost.map(({ portal }) => portal).join(', ')}`
  return { kind: 'degraded', reason: 'PathsLost', message }
}

export const TURNED_READ_ONLY: Adverse = {
  kind: 'degraded',
  reason: 'FileSystemReadOnly',
  message: 'its file system became read-only after an error',
}

/** Whether a file system that was mounted for writing has stopped writing. */
export function hasTurnedReadOnly({ options, superOptions }: Mount): boolean {
  return !options.includes('ro') && superOptions.some((option) => STOPPED_WRITING.has(option))
}

export function inaccessible(reason: string, message: string): Adverse {
  return { kind: 'inaccessible', reason, message }
}
