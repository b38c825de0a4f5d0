import type { DirtyData } from './bytes.ts'
import type { Ext4Mark } from './ext4-mark.ts'
import type { Hold, HoldMode } from './hold.ts'
import type { Identity } from './identity.ts'
import type { Lun } from './lun.ts'
import type { VolumeName } from './name.ts'
import type { FileSystem, SettledRequest } from './request.ts'
import type { Registration } from './reservation.ts'

/**
 * The record of a volume on this node: the request, what was learned, what was created. It states intent; the
 * actual
 * state is always read from the kernel. Contains no secret.
 */
export interface Attachment {
  readonly name: VolumeName
  /** The request, with portals resolved to addresses, because sessions are distinguished by address. */
  readonly request: SettledRequest
  readonly phase: 'attaching' | 'ready' | 'detaching'
  /** Learned on first use, and required from then on; null until it has been read. */
  readonly identity: Identity | null
  readonly mode: HoldMode | null
  /** The device that was handed out or mounted, for messages and for finding the attachment by device. */
  readonly device: string | null
  readonly fs: string | null
  /** Set before a file system is created: a file system with this UUID was created for this attachment. */
  readonly formatting: { readonly fs: FileSystem; readonly uuid: string } | null
  /** Whether we registered the WWID with multipath-tools, and must remove it again. */
  readonly knownToMultipath: boolean
  /** The LUN number of the original request, if the target has since moved the volume to another LUN; else null. */
  readonly askedLun: Lun | null
  /** Directories of the mount point that did not exist before, outermost first. */
  readonly madeDirectories: readonly string[]
  /** The bare directory of the mount point that we made immutable; null if we did not. */
  readonly protectedDirectory: string | null
  /**
   * Set while a detach has unmounted the volume and its device has not yet confirmed all writes; null otherwise. When
   * detach is run again it first obtains the confirmation, whatever is left of the device.
   */
  readonly writeOut: WriteOut | null
  readonly createdAt: string
  /**
   * The machine that attached the volume last (host/read/machine.ts): a clone or a restored backup has the record,
   * but not the volume. Absent from records of versions that did not write it.
   */
  readonly machine?: MachineId | undefined
  /**
   * The orchestrator that decides whether the volume is attached after a reboot, and requests it itself: by then it may
   * have moved the volume to another node. If there is none, the agent reattaches it.
   */
  readonly orchestrator?: 'csi' | undefined
  /** What this node has registered at the target so that no other node can write; absent if nothing is registered. */
  readonly fence?: Registration | undefined
  /** The VolumeAttachment by which Kubernetes gave the volume to this node; absent if there is none. */
  readonly publication?: Publication | undefined
  /** What this node's last writable mount left in its ext4. After a reboot it shows whether another node has mounted it since. */
  readonly mark?: Ext4Mark | undefined
}

/** A VolumeAttachment of Kubernetes: its uid distinguishes this attachment from a later one of the same name. */
export interface Publication {
  readonly attachment: string
  readonly uid: string
}

/** Distinguishes a machine from a copy of it: the kind of ID, a colon, and a hash. */
export type MachineId = `${'machine-id' | 'product-uuid' | 'initiator'}:${string}`

/** What must be confirmed before a detach may succeed. */
export interface WriteOut {
  /** The device that the file system was on: dm-0, sda. */
  readonly device: string
  /** The kernel's count of failed commands (`ioerr_cnt`) before the unmount, for each disk beneath it, by H:C:T:L. */
  readonly errors: Readonly<Record<string, number>>
  /** Why written data is known to be lost; null if it is merely unconfirmed. */
  readonly lost: string | null
}

/** The original request: a volume that moved to another LUN is still found under its first number. */
export function asAsked({ request, askedLun }: Attachment): SettledRequest {
  return askedLun === null ? request : { ...request, lun: askedLun }
}

/**
 * `holding`: I/O is held until the target returns. `failed`: I/O fails, or the volume is not where it should be.
 * `misplaced`: another volume answers, or has answered, in place of one in use, so that none of its data may be
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
  /** Path of the block device; null if it does not exist yet. */
  readonly device: string | null
  /** Mount point; null for a raw device. */
  readonly mount: string | null
  /** Type of the file system; null for a raw device. */
  readonly fs: string | null
  readonly readOnly: boolean
  /**
   * The record came here with a copy of another machine, so the volume is not attached automatically; absent otherwise.
   */
  readonly ofAnotherMachine?: true
  /** Null until the volume has been identified for the first time. */
  readonly identity: {
    readonly wwid: string | null
    readonly serial: string | null
    readonly bytes: number
  } | null
  readonly hold: HoldStatus
  readonly owner: OwnerStatus
  readonly paths: readonly PathStatus[]
}

/** How long the I/O of a volume is held, and since when. */
export interface HoldStatus {
  /** What holds the I/O: the agent's hold map, the kernel's session, or multipathd. */
  readonly mode: HoldMode
  /** The requested hold: seconds, or `forever`. */
  readonly wanted: Hold
  /** How long I/O would actually be held in an outage: seconds, or `forever`. */
  readonly effective: Hold
  /** Start of the outage, in ISO 8601; null if there is none. */
  readonly since: string | null
  /** When held I/O fails, in ISO 8601; null if there is no outage, or the hold is `forever`. */
  readonly deadline: string | null
  /**
   * Dirty data in memory that has not reached the volume yet; null if there is no outage. `node`: the total of the
   * node, of which the volume's data is a part.
   */
  readonly waiting: DirtyData | null
}

/** Who may write to a volume. */
export interface OwnerStatus {
  /**
   * What keeps a second node from writing. `reservation`: the target refuses its writes. `kubernetes`: the
   * VolumeAttachment. `mark`: before this node writes again, the file system shows it whether another node has
   * mounted it. `none`: nothing.
   */
  readonly guard: 'reservation' | 'kubernetes' | 'mark' | 'none'
  /** Whether this node may write; null if nothing guards the volume, or it cannot be determined now. */
  readonly mine: boolean | null
  /** The initiator, or the key, of the node that has taken the volume; null if none has, or if it is not known. */
  readonly holder: string | null
}

/** Who may write to a volume, as `owner` prints it. A published contract. */
export interface OwnerReport extends OwnerStatus {
  readonly name: string
  /** What this node has registered, as sg_persist prints it; null if nothing. */
  readonly key: string | null
  /** One for each session that has registered; empty if the target does not report registrations. */
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
    readonly record: 'attaching' | 'ready' | 'detaching'
  }
  /**
   * `own`: it may write. `lost`: it must not. `wait`: this cannot be determined now. `unguarded`: nothing keeps
   * other nodes out.
   */
  readonly verdict: 'own' | 'lost' | 'wait' | 'unguarded'
  readonly why: string
}

/** One path of a volume: the session to one portal, and the disk in it. */
export interface PathStatus {
  /** `HOST:PORT` */
  readonly portal: string
  readonly iqn: string
  readonly lun: number
  /** Number of the session; null if there is none. */
  readonly session: number | null
  /** SCSI address of the disk, `H:C:T:L`; null if there is none. */
  readonly hctl: string | null
  /** The kernel's name of the disk: sdb. */
  readonly disk: string | null
  /** The kernel's state of the session: LOGGED_IN, FAILED, FREE. */
  readonly sessionState: string | null
  /** The kernel's state of the disk: running, blocked, transport-offline and others. */
  readonly diskState: string | null
  /** The session's recovery timer in seconds. */
  readonly recoveryTmo: Hold | null
}

/** Whether I/O currently goes through the path. */
export function isPathUp({ sessionState, diskState }: PathStatus): boolean {
  return sessionState === 'LOGGED_IN' && diskState === 'running'
}

/** The result of `detach`. A published contract. */
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
