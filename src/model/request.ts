import { LunkeeperError } from './errors.ts'
import type { Hold } from './hold.ts'
import type { Iqn } from './iqn.ts'
import type { Lun } from './lun.ts'
import { isQuotedWell, splitMountOptions } from './mount-options.ts'
import type { VolumeName } from './name.ts'
import type { Portal } from './portal.ts'
import type { Wwid } from './wwid.ts'

export const FILE_SYSTEMS = ['ext4', 'xfs'] as const
export type FileSystem = (typeof FILE_SYSTEMS)[number]

export const HOLD_MODES = ['auto', 'map', 'session', 'multipathd'] as const

/** What a user asks for: one LUN of one target, and how to use it. Holds no secret. */
export interface VolumeRequest {
  /** Null: named after the target and LUN. */
  readonly name: VolumeName | null
  readonly iqn: Iqn
  /** At least one; several are paths to the same LUN. */
  readonly portals: readonly Portal[]
  readonly lun: Lun
  /** What the volume must say of itself; unset parts are learned at first use. */
  readonly expected: { readonly wwid: Wwid | null; readonly serial: string | null }
  /** Null: as it is, for a volume that is attached already; else the default. */
  readonly hold: { readonly wanted: Hold | null; readonly mode: (typeof HOLD_MODES)[number] | null }
  readonly use: VolumeUse
  /** Several nodes use the volume at once, by what is on it (a cluster file system): no node keeps the others out. */
  readonly shared?: boolean | undefined
  /** `off`: no persistent reservation, although the target may have them. @default 'auto' */
  readonly fence?: 'auto' | 'off' | undefined
}

/** A request with nothing left open, as it stands in a record. */
export interface SettledRequest extends VolumeRequest {
  readonly hold: { readonly wanted: Hold; readonly mode: (typeof HOLD_MODES)[number] }
}

/** How the volume is used: mounted, or handed out as a raw device. */
export interface VolumeUse {
  /** Absolute; null for a raw device. */
  readonly mount: string | null
  /** Null: whatever is there; with `format`, ext4. */
  readonly fs: FileSystem | null
  /** Make a file system, if and only if the volume is proven blank. */
  readonly format: boolean
  readonly readOnly: boolean
  readonly options: readonly string[]
}

/** Options that would defeat what the volume was attached for, or that another flag governs. */
const REFUSED_OPTIONS: Readonly<Record<string, string>> = {
  remount: 'it would change a mount that exists',
  bind: 'a volume is mounted whole',
  rbind: 'a volume is mounted whole',
  move: 'it would take the mount away from its place',
  ro: '--read-only says it',
  rw: 'it is the default; --read-only is the other choice',
}

/**
 * Checks what no single value shows: parts that contradict each other.
 * @throws BAD_REQUEST BAD_MOUNT
 */
export function checkRequest(request: VolumeRequest): VolumeRequest {
  const { use, portals, hold } = request
  const bad = (message: string, hint: string) => new LunkeeperError('BAD_REQUEST', message, { hint })
  if (portals.length === 0) throw bad('No portal is given', 'Add --portal HOST[:PORT].')
  if (use.mount === null) {
    if (use.fs) throw bad('A file system is named, but no mount point', 'Add --mount DIR, or leave out --fs.')
    if (use.format)
      throw bad('Formatting is asked for, but no mount point', 'Add --mount DIR, or leave out --format.')
    if (use.options.length > 0) throw bad('Mount options are given, but no mount point', 'Add --mount DIR.')
  } else checkMountPoint(use.mount)
  if (use.format && use.readOnly)
    throw bad('A read-only volume cannot be formatted', 'Leave out --format or --read-only.')
  for (const option of use.options.flatMap((text) => splitMountOptions(text))) {
    const reason = Object.hasOwn(REFUSED_OPTIONS, option.trim()) && REFUSED_OPTIONS[option.trim()]
    if (reason) throw bad(`The mount option "${option}" is not accepted: ${reason}`, 'Leave it out.')
    if (!/^\w[\w.-]*(?:=[^\s\p{Cc}]*)?$/u.test(option) || !isQuotedWell(option))
      throw bad(`"${option}" is not a mount option`, 'One option a flag: --mount-option noatime.')
  }
  if (hold.mode === 'session' && portals.length > 1)
    throw bad(
      'Several portals make several paths, and a session hold has one',
      'Leave out --hold-mode, or give one portal.',
    )
  return request
}

function checkMountPoint(point: string): void {
  const bad = (reason: string) =>
    new LunkeeperError('BAD_MOUNT', `"${point}" cannot be a mount point: ${reason}`)
  if (!point.startsWith('/')) throw bad('it is not absolute')
  if (cleanPath(point) === '/') throw bad('it is the root of the system')
  // mountinfo escapes what is below blank; a line break in a path is nothing but an attack on readers.
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f]/.test(point)) throw bad('it has control characters')
  if (point.split('/').some((part) => part === '..' || part === '.')) throw bad('it has "." or ".." in it')
}

/** A mount point without doubled or trailing slashes, as mountinfo prints it. */
export function cleanPath(path: string): string {
  return path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1')
}
