import type { Hold } from '../../model/hold.ts'
import type { HoldChange } from '../../hold/follow.ts'
import type { HoldNote } from '../../model/hold-note.ts'
import type { ShutdownGrace } from '../../model/plan/hold-deadline.ts'
import { holdDeadline } from '../../model/plan/hold-deadline.ts'
import { isGivenUp } from '../../model/plan/hold-outage.ts'

/** What people look for; once published it stays. UpperCamelCase, as the API's conventions have it. */
export type Reason =
  | 'IOWaiting'
  | 'IOFailingSoon'
  | 'IOResumed'
  | 'IOFailed'
  | 'NotTheVolume'
  | 'VolumeFenced'
  | 'FileSystemBroken'
  | 'VolumeUsableAgain'
  | 'PodEvicted'
  | 'PodEvictionRefused'
  | 'PodNotEvicted'

/** Something that happened to a volume or to a pod of it. */
export interface Happening {
  readonly reason: Reason
  readonly type: 'Normal' | 'Warning'
  /** For everybody who may look at the pod. */
  readonly message: string
  /** More, for who may look at the volume: what another volume says of itself is no matter of a pod's. */
  readonly detail?: string
  /** Of one reason and object, the same again is told once. */
  readonly id: string
}

/** What a change of a hold means. @param wanted null where the volume was taken from the node, or is about to be */
export function happeningsOf(
  { before, after }: HoldChange,
  wanted: Hold | null,
  now: number,
  shutdown: ShutdownGrace | null = null,
): Happening[] {
  if (wanted === null) return []
  const isNew = before?.since !== after?.since
  const was = isNew ? null : before
  return [
    ...(isNew && before ? [over(before, now)] : []),
    ...(isNew && after && !isGivenUp(after) ? [waiting(after, wanted, shutdown)] : []),
    ...(after?.ended && !isGivenUp(after) && !was?.ended ? [failed(after, wanted)] : []),
    ...(after?.kind && after.kind !== was?.kind ? [troubled(after)] : []),
  ]
}

function waiting(note: HoldNote, wanted: Hold, shutdown: ShutdownGrace | null): Happening {
  const deadline = holdDeadline(note, wanted, shutdown)
  return {
    reason: 'IOWaiting',
    type: 'Warning',
    message: `its storage is away since ${note.since}: I/O waits ${deadline === null ? 'as long as it takes' : `until ${deadline}, then it fails`}`,
    id: note.since,
  }
}

function failed(note: HoldNote, wanted: Hold): Happening {
  return {
    reason: 'IOFailed',
    type: 'Warning',
    message: `${reasonOf(note, wanted)}. What was not written yet is lost; once the storage is back, a new pod gets the file system checked and mounted anew`,
    id: note.since,
  }
}

function reasonOf({ since, ended, deadline }: HoldNote, wanted: Hold): string {
  if (ended === 'removed') return 'its disk was taken from the node: I/O fails'
  const held = deadline ? Math.round((Date.parse(deadline) - Date.parse(since)) / 1000) : wanted
  return `its storage did not return: I/O fails ${ended === 'deadline' && held !== 'forever' ? `after ${held} s` : 'as it was given up'}`
}

function troubled({ since, kind, trouble }: HoldNote): Happening {
  const detail = trouble === null ? {} : { detail: trouble }
  if (kind === 'misplaced')
    return {
      reason: 'NotTheVolume',
      type: 'Warning',
      message:
        'another volume answered at its LUN while it was in use: its I/O fails from now on, and recent writes may be lost; delete the pods that use it, and the next ones get it checked and mounted',
      ...detail,
      id: since,
    }
  if (kind === 'fenced')
    return {
      reason: 'VolumeFenced',
      type: 'Warning',
      message:
        'another node owns it: its I/O fails here from now on, and what this node had not written is discarded',
      ...detail,
      id: since,
    }
  return kind === 'broken'
    ? {
        reason: 'FileSystemBroken',
        type: 'Warning',
        message:
          'its storage is back, but its file system is broken and must be mounted anew, which waits for the pods that have it: delete them, and the next ones get it checked and mounted',
        ...detail,
        id: since,
      }
    : {
        reason: 'NotTheVolume',
        type: 'Warning',
        message: 'something answers where it was, but it is not this volume: nothing is written to it',
        ...detail,
        id: since,
      }
}

function over({ since, ended }: HoldNote, now: number): Happening {
  const seconds = Math.round((now - Date.parse(since)) / 1000)
  return ended === null
    ? {
        reason: 'IOResumed',
        type: 'Normal',
        message: `its storage is back: I/O goes on after it waited for ${seconds} s, without an error`,
        id: since,
      }
    : {
        reason: 'VolumeUsableAgain',
        type: 'Normal',
        message: `it can be used again, ${seconds} s after its storage was lost; I/O has failed meanwhile`,
        id: since,
      }
}
