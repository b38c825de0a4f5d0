import type { Attachment } from '../../model/attachment.ts'
import type { Hold } from '../../model/hold.ts'
import { formatHold } from '../../model/hold-text.ts'
import { safeHold } from '../../model/safe-hold.ts'
import type { HoldChange } from '../../hold/follow.ts'
import type { HoldNote } from '../../model/hold-note.ts'
import { isSameOutage } from '../../model/hold-note.ts'
import type { ShutdownGrace } from '../../model/plan/hold-deadline.ts'
import { holdDeadline } from '../../model/plan/hold-deadline.ts'
import { isGivenUp, lossOf, sinceMsOf } from '../../model/plan/hold-outage.ts'

/** The reason of an event, for which users search. Reasons are published and never renamed. UpperCamelCase by the API's conventions. */
export type Reason =
  | 'IOWaiting'
  | 'IOFailingSoon'
  | 'IOResumed'
  | 'IOFailed'
  | 'NotTheVolume'
  | 'VolumeFenced'
  | 'VolumeUnguarded'
  | 'FileSystemBroken'
  | 'VolumeUsableAgain'
  | 'PodEvicted'
  | 'PodEvictionRefused'
  | 'PodNotEvicted'

/** An event of a volume or of one of its pods. */
export interface VolumeEvent {
  readonly reason: Reason
  readonly type: 'Normal' | 'Warning'
  /** For all users who can see the pod. */
  readonly message: string
  /** Details for users who can see the PersistentVolume, such as the identity of another volume. */
  readonly detail?: string
  /** An event with the same reason, object and id is sent only once. */
  readonly id: string
}

/** The wall clock, and the monotonic clock, by which lengths are measured, at the same moment. */
export interface Clocks {
  readonly wallMs: number
  readonly nowMs: number
}

/** The events that a change of a hold causes. @param wanted the requested hold; null if the volume was or is being detached */
export function eventsOfChange(
  { before, after }: HoldChange,
  wanted: Hold | null,
  now: Clocks,
  shutdown: ShutdownGrace | null = null,
): VolumeEvent[] {
  if (wanted === null) return []
  const isNew = !before || !after || !isSameOutage(before, after)
  const was = isNew ? null : before
  return [
    ...(isNew && before ? [over(before, now)] : []),
    ...(isNew && after && !isGivenUp(after) ? [waiting(after, wanted, shutdown)] : []),
    ...(after?.ended && !isGivenUp(after) && !was?.ended ? [failed(after, wanted, now)] : []),
    ...(after?.kind && after.kind !== was?.kind ? [troubled(after)] : []),
  ]
}

/** The event of a volume that its target does not guard. */
export function unguarded(record: Attachment): VolumeEvent {
  const { publication } = record
  const guard = publication
    ? 'only its VolumeAttachment, which this node asks before held I/O resumes, keeps'
    : 'nothing keeps'
  return {
    reason: 'VolumeUnguarded',
    type: 'Warning',
    message: `its target has no persistent reservations: ${guard} a second node from writing to it. I/O is held for ${formatHold(safeHold(record))} at most. See docs/ownership.md`,
    id: publication?.uid ?? 'unguarded',
  }
}

function waiting(note: HoldNote, wanted: Hold, shutdown: ShutdownGrace | null): VolumeEvent {
  const deadline = holdDeadline(note, wanted, shutdown)
  return {
    reason: 'IOWaiting',
    type: 'Warning',
    message: `its storage has been away since ${note.since}: I/O is held ${deadline === null ? 'without a limit' : `until ${deadline}, then it fails`}`,
    id: note.since,
  }
}

function failed(note: HoldNote, wanted: Hold, now: Clocks): VolumeEvent {
  return {
    reason: 'IOFailed',
    type: 'Warning',
    message: `${reasonOf(note, wanted, now)}. Unwritten data is lost. Once the storage is back, the file system is checked and remounted for a new pod`,
    id: note.since,
  }
}

function reasonOf(note: HoldNote, wanted: Hold, now: Clocks): string {
  const { ended, deadline } = note
  if (ended === 'removed') return 'its disk was removed from the node: I/O fails'
  const held = deadline ? secondsOf(note, now, Date.parse(deadline)) : wanted
  return `its storage did not return: I/O fails ${ended === 'deadline' && held !== 'forever' ? `after ${held} s` : 'because the hold was given up'}`
}

function troubled({ since, kind, trouble, discarded }: HoldNote): VolumeEvent {
  const detail = trouble === null ? {} : { detail: trouble }
  if (kind === 'misplaced')
    return {
      reason: 'NotTheVolume',
      type: 'Warning',
      message:
        'another volume answered at its LUN while it was in use: its I/O now fails, and recent writes may be lost. Delete its pods; new pods get the file system checked and remounted',
      ...detail,
      id: since,
    }
  if (kind === 'fenced')
    return {
      reason: 'VolumeFenced',
      type: 'Warning',
      message: `another node owns it: its I/O fails here from now on, and ${lossOf(discarded)}`,
      ...detail,
      id: since,
    }
  return kind === 'broken'
    ? {
        reason: 'FileSystemBroken',
        type: 'Warning',
        message:
          'its storage is back, but its file system is broken and must be remounted, which is blocked by its pods: delete them, and new pods get the file system checked and remounted',
        ...detail,
        id: since,
      }
    : {
        reason: 'NotTheVolume',
        type: 'Warning',
        message: 'another volume answers in its place: nothing is written to it',
        ...detail,
        id: since,
      }
}

/** The seconds from the loss to a moment of the wall clock as it is set now. */
function secondsOf(note: HoldNote, now: Clocks, wallMs: number): number {
  return Math.round((wallMs - now.wallMs + now.nowMs - sinceMsOf(note, now)) / 1000)
}

function over(note: HoldNote, now: Clocks): VolumeEvent {
  const { since, ended } = note
  const seconds = secondsOf(note, now, now.wallMs)
  return ended === null
    ? {
        reason: 'IOResumed',
        type: 'Normal',
        message: `its storage is back: I/O resumed without errors after ${seconds} s`,
        id: since,
      }
    : {
        reason: 'VolumeUsableAgain',
        type: 'Normal',
        message: `it is usable again, ${seconds} s after its storage was lost; I/O failed meanwhile`,
        id: since,
      }
}
