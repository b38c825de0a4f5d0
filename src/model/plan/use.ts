import type { VolumeUse } from '../request.ts'
import type { Mount } from '../snapshot.ts'

/** What is known of a device that shall be mounted. Null: not looked at yet. */
export interface UseFacts {
  readonly use: VolumeUse & { readonly mount: string }
  /** Mounts of this device, and the mount that is seen at the mount point, whatever it is of. */
  readonly mounts: readonly Mount[]
  readonly atPoint: Mount | null
  readonly content: { readonly type: string | null; readonly uuid: string | null } | null
  readonly blank: boolean | null
  /** Set before a file system is made: what has this UUID is ours. */
  readonly formatting: { readonly uuid: string } | null
  readonly checked: boolean
  readonly directory: boolean
  /** Done in this run: what does not show after it will not show by doing it again. */
  readonly formatted: boolean
  readonly mounted: boolean
}

export type UseStep =
  | {
      readonly kind:
        | 'done'
        | 'look'
        | 'look-closer'
        | 'plan-format'
        | 'format'
        | 'check'
        | 'make-mount-point'
        | 'mount'
    }
  | {
      readonly kind: 'refuse'
      readonly code:
        | 'BUSY'
        | 'BAD_MOUNT'
        | 'CONFLICT'
        | 'NOT_BLANK'
        | 'NO_FILESYSTEM'
        | 'FS_MISMATCH'
        | 'MOUNT_FAILED'
      readonly reason: string
      readonly hint?: string
    }

const refuse = (
  code: Extract<UseStep, { kind: 'refuse' }>['code'],
  reason: string,
  hint?: string,
): UseStep => ({
  kind: 'refuse',
  code,
  reason,
  ...(hint === undefined ? {} : { hint }),
})

/** The next thing to do until the device is mounted as asked. Nothing that has content is ever formatted. */
export function nextUseStep(facts: UseFacts): UseStep {
  const { use, mounts, atPoint, content, formatting } = facts
  const mounted = mounts.find((mount) => mount.point === use.mount)
  if (mounted) return atMountPoint(facts, mounted)
  if (mounts.length > 0)
    return refuse('BUSY', `it is mounted at ${mounts.map((mount) => mount.point).join(', ')}`)
  if (atPoint)
    return refuse(
      'BAD_MOUNT',
      `${atPoint.source} is mounted at ${use.mount}`,
      'If that is this volume itself, from before its disk was lost: detach it first, then attach it again.',
    )
  if (facts.mounted) return refuse('MOUNT_FAILED', `it was mounted, and is not to be seen at ${use.mount}`)
  if (!content) return { kind: 'look' }
  if (content.type === null) {
    if (facts.formatted) return refuse('MOUNT_FAILED', 'it was formatted, and shows no file system')
    if (!use.format) return refuse('NO_FILESYSTEM', 'it has no file system')
    if (facts.blank === null) return { kind: 'look-closer' }
    if (!facts.blank)
      return refuse('NOT_BLANK', 'it has no file system that is known here, but it is not empty')
    return { kind: formatting ? 'format' : 'plan-format' }
  }
  if (use.format && content.uuid !== formatting?.uuid)
    return refuse(
      'NOT_BLANK',
      `it holds ${content.type}`,
      `Leave out --format to use the ${content.type} that is there.`,
    )
  if (use.fs && content.type !== use.fs)
    return refuse('FS_MISMATCH', `it holds ${content.type}, not ${use.fs}`)
  if (!['ext4', 'xfs'].includes(content.type))
    return refuse('FS_MISMATCH', `it holds ${content.type}, which is not mounted here`)
  if (!facts.checked && !use.readOnly) return { kind: 'check' }
  return { kind: facts.directory ? 'mount' : 'make-mount-point' }
}

function atMountPoint({ use, atPoint }: UseFacts, mounted: Mount): UseStep {
  if (atPoint !== mounted)
    return refuse(
      'BUSY',
      `it is mounted at ${use.mount}, but ${atPoint?.source ?? 'something'} is mounted over it`,
    )
  if (use.fs && mounted.fs !== use.fs)
    return refuse('CONFLICT', `it is mounted there as ${mounted.fs}, not ${use.fs}`)
  if (mounted.root !== '/') return refuse('CONFLICT', `only its directory ${mounted.root} is mounted there`)
  const readOnly = mounted.options.includes('ro')
  if (readOnly !== use.readOnly)
    return refuse('CONFLICT', `it is mounted there ${readOnly ? 'read-only' : 'read-write'}`)
  return { kind: 'done' }
}
