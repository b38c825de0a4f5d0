import type { FileSystem, VolumeUse } from '../request.ts'
import type { Mount } from '../snapshot.ts'

/** A file system that mkfs started to create on a volume that was blank before. */
export interface Begun {
  readonly fs: FileSystem
  readonly uuid: string
  /** ISO 8601. */
  readonly at: string
  /** mkfs ran in this boot of this machine, and recently: contents without a signature are left over from it. */
  readonly isRecent: boolean
}

/** What is known of a device that is to be mounted. Null: not read yet. */
export interface UseFacts {
  readonly use: VolumeUse & { readonly mount: string }
  /** Mounts of this device, and the visible mount at the mount point, whatever its device. */
  readonly mounts: readonly Mount[]
  readonly atPoint: Mount | null
  readonly content: { readonly type: string | null; readonly uuid: string | null } | null
  readonly blank: boolean | null
  /** Set before a file system is created: a file system with this UUID is ours. */
  readonly formatting: { readonly uuid: string } | null
  /**
   * A file system of ours whose creation was started on this volume and did not verifiably finish; null if there is
   * none.
   */
  readonly begun: Begun | null
  /** Whether the file system with this UUID was found complete. */
  readonly whole: boolean | null
  readonly checked: boolean
  readonly directory: boolean
  /** Done in this run: if the effect is not visible, repeating the step will not help. */
  readonly formatted: boolean
  readonly mounted: boolean
}

export type UseStep =
  | {
      readonly kind:
        | 'done'
        | 'look'
        | 'look-closer'
        /** Check whether a file system of ours is complete: mkfs was interrupted, or its end was not recorded. */
        | 'inspect'
        | 'end-format'
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

/** The next step towards mounting the device as requested. A volume with contents is never formatted. */
export function nextUseStep(facts: UseFacts): UseStep {
  const { use, mounts, atPoint, content, formatting } = facts
  const mounted = mounts.find((mount) => mount.point === use.mount)
  if (mounted) return atMountPoint(facts, mounted)
  if (mounts.length > 0)
    return refuse('BUSY', `it is mounted at ${mounts.map((mount) => mount.point).join(', ')}`)
  if (atPoint)
    return refuse(
      'BAD_MOUNT',
      `${atPoint.source} is already mounted at ${use.mount}`,
      'If that is this volume itself, from before its disk was lost: detach it first, then attach it again.',
    )
  if (facts.mounted)
    return refuse('MOUNT_FAILED', `it was mounted, but the mount is not visible at ${use.mount}`)
  if (!content) return { kind: 'look' }
  const unfinished = afterBegun(facts, content)
  if (unfinished) return unfinished
  if (content.type === null) {
    if (facts.formatted) return refuse('MOUNT_FAILED', 'it was formatted, but shows no file system')
    if (!use.format) return refuse('NO_FILESYSTEM', 'it has no file system')
    if (facts.blank === null) return { kind: 'look-closer' }
    if (!facts.blank) return refuse('NOT_BLANK', 'it has no known file system, but it is not empty')
    return { kind: formatting ? 'format' : 'plan-format' }
  }
  if (use.format && content.uuid !== formatting?.uuid)
    return refuse(
      'NOT_BLANK',
      `it contains ${content.type}`,
      `Leave out --format to use the existing ${content.type}.`,
    )
  if (use.fs && content.type !== use.fs)
    return refuse('FS_MISMATCH', `it contains ${content.type}, not ${use.fs}`)
  if (!['ext4', 'xfs'].includes(content.type))
    return refuse('FS_MISMATCH', `it contains ${content.type}, which Lunkeeper does not mount`)
  if (!facts.checked && !use.readOnly) return { kind: 'check' }
  return { kind: facts.directory ? 'mount' : 'make-mount-point' }
}

/**
 * What to do if mkfs was started and did not finish; null if that does not matter, because mkfs wrote nothing or
 * the contents have been replaced since. A file system that may be unfinished is never mounted. It is recreated
 * only if it is certain that nothing but mkfs has written to the volume.
 */
function afterBegun(
  { use, begun, blank, whole, formatting, formatted }: UseFacts,
  { type, uuid }: NonNullable<UseFacts['content']>,
): UseStep | null {
  if (!begun || formatted) return null
  if (type !== null) {
    if (uuid !== begun.uuid) return null
    if (whole === null) return { kind: 'inspect' }
    if (whole) return { kind: 'end-format' }
  } else {
    if (use.format && blank === null) return { kind: 'look-closer' }
    if (blank) return null
  }
  const story = `creating ${begun.fs} on it started at ${begun.at} and did not finish`
  if (!use.format)
    return refuse(
      'NO_FILESYSTEM',
      `it has no complete file system: ${story}`,
      'Add --format to create it again.',
    )
  if (!begun.isRecent)
    return refuse(
      'NOT_BLANK',
      `${story}; since then the node has restarted, or more than a day has passed, so it is not certain that nothing else has written to it`,
      'If nothing on it is needed: recreate the LUN on the storage system, or attach it without --mount and --format and wipe its device with blkdiscard -z (or wipefs -a and dd); then attach it with --format.',
    )
  return { kind: formatting?.uuid === begun.uuid ? 'format' : 'plan-format' }
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
