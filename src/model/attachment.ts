import type { Hold, HoldMode } from './hold.ts'
import type { Identity } from './identity.ts'
import type { Lun } from './lun.ts'
import type { VolumeName } from './name.ts'
import type { FileSystem, SettledRequest } from './request.ts'

/**
 * The record of a volume on this node: what was asked for, what was learned, what was made.
 * It states intent; what really is there is always read from the kernel. Holds no secret.
 */
export interface Attachment {
  readonly name: VolumeName
  /** The request, with portals resolved to addresses, so that sessions are told apart by them. */
  readonly request: SettledRequest
  readonly phase: 'attaching' | 'ready' | 'detaching'
  /** Learned at first use and insisted on from then on; null until the volume has told it. */
  readonly identity: Identity | null
  readonly mode: HoldMode | null
  /** The device that was handed out or mounted, for telling people and finding the attachment again. */
  readonly device: string | null
  readonly fs: string | null
  /** Set before a file system is made: what carries this UUID was made for this attachment. */
  readonly formatting: { readonly fs: FileSystem; readonly uuid: string } | null
  /** We made the WWID known to multipath-tools, and take it back. */
  readonly knownToMultipath: boolean
  /** The LUN number by which it was asked for, where the target shows it under another since; else null. */
  readonly askedLun: Lun | null
  /** Directories of the mount point that did not exist before, outermost first. */
  readonly madeDirectories: readonly string[]
  /** The bare directory of the mount point that we made immutable; null for none, or somebody else did. */
  readonly protectedDirectory: string | null
  /**
   * Set while a detach has unmounted the volume and its device has not confirmed yet that everything was written;
   * null otherwise. A detach that is run again confirms it first, whatever is left of the device.
   */
  readonly writeOut: WriteOut | null
  readonly createdAt: string
  /**
   * Who decides whether it is attached after a reboot, and asks for it itself: by then it may have given the
   * volume to another node. Without one the agent attaches it again.
   */
  readonly orchestrator?: 'csi' | undefined
}

/** What is owed before a detach may say that it succeeded. */
export interface WriteOut {
  /** The device that the file system was on: dm-0, sda. */
  readonly device: string
  /** The kernel's count of failed commands of each disk beneath it (`ioerr_cnt`), by H:C:T:L, before the unmount. */
  readonly errors: Readonly<Record<string, number>>
  /** Why written data is known to be lost; null where it only is not confirmed. */
  readonly lost: string | null
}

/** The request as it was made: what the target moved since is found again under its first number. */
export function asAsked({ request, askedLun }: Attachment): SettledRequest {
  return askedLun === null ? request : { ...request, lun: askedLun }
}

/**
 * `holding`: I/O waits for the target. `failed`: I/O fails, or the volume is not where it should be. `misplaced`:
 * another volume answers, or has answered, where the volume's file system or user stands, so that nothing of it may be
 * written out. `fenced`: another node owns the volume.
 */
export type AttachmentState =
  | 'ready'
  | 'holding'
  | 'failed'
  | 'fenced'
  | 'misplaced'
  | 'attaching'
  | 'detaching'

/** One volume as `attach` and `volumes` print it. A published contract. */
export interface VolumeStatus {
  readonly name: string
  readonly state: AttachmentState
  readonly device: string | null
  readonly mount: string | null
  readonly fs: string | null
  readonly readOnly: boolean
  readonly identity: {
    readonly wwid: string | null
    readonly serial: string | null
    readonly bytes: number
  } | null
  readonly hold: {
    readonly mode: HoldMode
    readonly wanted: Hold
    readonly effective: Hold
    readonly since: string | null
    readonly deadline: string | null
    /**
     * What programs have written and the volume does not have yet; null where it does not wait. Of `node`:
     * all that the node has unwritten, of which the volume's is a part.
     */
    readonly waiting: { readonly bytes: number; readonly of: 'volume' | 'node' } | null
  }
  readonly paths: readonly PathStatus[]
}

export interface PathStatus {
  readonly portal: string
  readonly iqn: string
  readonly lun: number
  readonly session: number | null
  readonly hctl: string | null
  readonly disk: string | null
  readonly sessionState: string | null
  readonly diskState: string | null
  readonly recoveryTmo: Hold | null
}

/** Whether I/O goes through it now. */
export function isPathUp({ sessionState, diskState }: PathStatus): boolean {
  return sessionState === 'LOGGED_IN' && diskState === 'running'
}

/** What `detach` did. A published contract. */
export interface DetachReport {
  readonly name: string
  readonly removed: {
    readonly mounts: readonly string[]
    readonly maps: readonly string[]
    readonly disks: readonly string[]
    readonly sessions: readonly number[]
  }
  readonly left: readonly string[]
}

/** One session as `sessions` prints it. A published contract. */
export interface SessionStatus {
  readonly sid: number
  readonly iqn: string
  readonly portal: string | null
  readonly state: string
  readonly recoveryTmo: Hold
  readonly scan: string | null
  readonly disks: readonly {
    readonly hctl: string
    readonly lun: number
    readonly disk: string | null
    readonly state: string
    readonly owner: string
  }[]
}
