import type { Hold, HoldMode } from './hold.ts'
import type { Identity } from './identity.ts'
import type { Lun } from './lun.ts'
import type { VolumeName } from './name.ts'
import type { FileSystem, SettledRequest } from './request.ts'
import type { Fence } from './reservation.ts'

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
   * The machine that attached it last (host/read/machine.ts): a clone or a restored backup has the record, and not the
   * volume. Left out by versions before it was written.
   */
  readonly machine?: MachineId | undefined
  /**
   * Who decides whether it is attached after a reboot, and asks for it itself: by then it may have given the
   * volume to another node. Without one the agent attaches it again.
   */
  readonly orchestrator?: 'csi' | undefined
  /** What this node has registered at the target so that no other node writes; left out for none. */
  readonly fence?: Fence | undefined
  /** The VolumeAttachment by which Kubernetes gave the volume to this node; left out where it has none. */
  readonly publication?: Publication | undefined
}

/** A VolumeAttachment of Kubernetes: its uid tells this attachment from a later one of the same name. */
export interface Publication {
  readonly attachment: string
  readonly uid: string
}

/**
 * What tells a machine from a copy of it: the kind of id, a colon, and a hash.
 */
export type MachineId = `${'machine-id' | 'product-uuid' | 'initiator'}:${string}`

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
  /** Its record came here with a copy of another machine, and it is not attached by itself; else left out. */
  readonly ofAnotherMachine?: true
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
  readonly owner: OwnerStatus
  readonly paths: readonly PathStatus[]
}

/** Who may write to a volume. */
export interface OwnerStatus {
  /**
   * What keeps a second node from writing. `reservation`: the target refuses it. `kubernetes`: its VolumeAttachment.
   * `mark`: the file system shows this node, before it writes again, that another one has mounted it. `none`: nothing.
   */
  readonly guard: 'reservation' | 'kubernetes' | 'mark' | 'none'
  /** Whether this node may write; null where nothing guards the volume, or nobody can tell now. */
  readonly mine: boolean | null
  /** The initiator, or the key, of the node that has taken it; null where none has, or that is not known. */
  readonly holder: string | null
}

/** Who may write to a volume, as `owner` prints it. A published contract. */
export interface OwnerReport extends OwnerStatus {
  readonly name: string
  /** What this node has registered, as sg_persist prints it; null for nothing. */
  readonly key: string | null
  /** One for each session that has registered; empty where the target does not tell. */
  readonly registered: readonly {
    readonly key: string
    readonly initiator: string | null
    readonly by: 'this attachment' | 'this node' | 'another node' | 'other software'
    readonly isHolder: boolean
  }[]
  readonly witnesses: {
    readonly reservation: 'held' | 'unclaimed' | 'lost' | 'unknown' | 'silent' | 'none'
    readonly kubernetes: 'mine' | 'gone' | 'unreachable' | 'none'
    readonly mark: 'same' | 'changed' | 'unreadable' | 'none'
    readonly record: Attachment['phase']
  }
  /** `own`: it may write. `lost`: it must not. `wait`: nobody can tell now. `unguarded`: nothing keeps others out. */
  readonly verdict: 'own' | 'lost' | 'wait' | 'unguarded'
  readonly why: string
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
