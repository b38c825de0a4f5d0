import { LunkeeperError } from './errors.ts'
import type { Hold } from './hold.ts'
import type { Iqn } from './iqn.ts'
import type { Lun } from './lun.ts'
import { isQuotedWell, splitMountOptions } from './mount-options.ts'
import type { VolumeName } from './name.ts'
import type { Portal } from './portal.ts'
import type { Wwid } from './wwid.ts'

export const FILE_SYSTEMS = ['ext4', 'xfs'] as const
/** File systems that Lunkeeper creates. */
export type FileSystem = (typeof FILE_SYSTEMS)[number]

export const HOLD_MODES = ['auto', 'map', 'session', 'multipathd'] as const

/** A user's request: one LUN of one target, and how to use it. Contains no secret. */
export interface VolumeRequest {
  /** Null: derived from the target's name and the LUN. */
  readonly name: VolumeName | null
  readonly iqn: Iqn
  /** At least one; several are paths to the same LUN. */
  readonly portals: readonly Portal[]
  readonly lun: Lun
  /** Identity that the volume must have; unset parts are learned on first use. */
  readonly expected: { readonly wwid: Wwid | null; readonly serial: string | null }
  /** Null: keep the present hold if the volume is attached already, otherwise use the default. */
  readonly hold: { readonly wanted: Hold | null; readonly mode: (typeof HOLD_MODES)[number] | null }
  readonly use: VolumeUse
  /** Several nodes use the volume at once, as its contents allow (a cluster file system): no node keeps the others out. */
  readonly shared?: boolean | undefined
  /** `off`: make no persistent reservation, even if the target supports them. @default 'auto' */
  readonly fence?: 'auto' | 'off' | undefined
}

/** Whether this node writes to the volume and must be the only node that does. */
export function hasOneWriter({ shared, use }: Pick<VolumeRequest, 'shared' | 'use'>): boolean {
  return !shared && !use.readOnly
}

/** A complete request, as it is kept in a record. */
export interface SettledRequest extends VolumeRequest {
  readonly hold: { readonly wanted: Hold; readonly mode: (typeof HOLD_MODES)[number] }
}

/** How the volume is used: mounted, or handed out as a raw device. */
export interface VolumeUse {
  /** Absolute path; null for a raw device. */
  readonly mount: string | null
  /** Null: the existing file system; with `format`, ext4. */
  readonly fs: FileSystem | null
  /** Create a file system if, and only if, the volume is proven blank. */
  readonly format: boolean
  readonly readOnly: boolean
  readonly options: readonly string[]
}

/** Options that would defeat the purpose of the attachment, or that another flag controls. */
const REFUSED_OPTIONS: Readonly<Record<string, string>> = {
  remount: 'it would change an existing mount',
  bind: 'a volume is always mounted as a whole',
  rbind: 'a volume is always mounted as a whole',
  move: 'it would move the mount to another place',
  ro: 'use --read-only instead',
  rw: 'it is the default; --read-only is the alternative',
}

/**
 * Checks for contradictions between parts of the request.
 * @throws BAD_REQUEST BAD_MOUNT
 */
export function checkRequest(request: VolumeRequest): VolumeRequest {
  const { use, portals, hold } = request
  const bad = (message: string, hint: string) => new LunkeeperError('BAD_REQUEST', message, { hint })
  if (portals.length === 0) throw bad('no portal was given', 'Add --portal HOST[:PORT].')
  if (use.mount === null) {
    if (use.fs)
      throw bad('a file system was requested without a mount point', 'Add --mount DIR, or leave out --fs.')
    if (use.format)
      throw bad('formatting was requested without a mount point', 'Add --mount DIR, or leave out --format.')
    if (use.options.length > 0)
      throw bad('mount options were given without a mount point', 'Add --mount DIR.')
  } else checkMountPoint(use.mount)
  if (use.format && use.readOnly)
    throw bad('a read-only volume cannot be formatted', 'Leave out --format or --read-only.')
  for (const option of use.options.flatMap((text) => splitMountOptions(text))) {
    const reason = Object.hasOwn(REFUSED_OPTIONS, option.trim()) && REFUSED_OPTIONS[option.trim()]
    if (reason) throw bad(`the mount option "${option}" is not accepted: ${reason}`, 'Leave it out.')
    if (!/^\w[\w.-]*(?:=[^\s\p{Cc}]*)?$/u.test(option) || !isQuotedWell(option))
      throw bad(`"${option}" is not a mount option`, 'Give one option per flag: --mount-option noatime.')
  }
  if (hold.mode === 'session' && portals.length > 1)
    throw bad(
      'several portals are several paths, but a session hold supports only one',
      'Leave out --hold-mode, or give one portal.',
    )
  return request
}

function checkMountPoint(point: string): void {
  const bad = (reason: string) =>
    new LunkeeperError('BAD_MOUNT', `"${point}" cannot be used as a mount point: ${reason}`)
  if (!point.startsWith('/')) throw bad('it is not absolute')
  if (cleanPath(point) === '/') throw bad('it is the root directory')
  // mountinfo escapes characters below the blank; a line break in a path can only be an attack on readers.
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f]/.test(point)) throw bad('it contains control characters')
  if (point.split('/').some((part) => part === '..' || part === '.')) throw bad('it contains "." or ".."')
}

/** A mount point without doubled or trailing slashes, as mountinfo prints it. */
export function cleanPath(path: string): string {
  return path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1')
}
