/** The calls that a worker makes, because they can block in the kernel for as long as a target is away. */
export interface Verbs {
  /** Writes `text` to an existing file of sysfs: scan, delete, rescan. */
  write: { args: { path: string; text: string }; result: null }
  /** Opens a block device with O_EXCL and keeps it open. False if a file system, map or other user has claimed it. */
  claim: { args: { path: string }; result: boolean }
  /** Writes all dirty data of the claimed device and waits for its confirmation (fsync). @throws the errno of the writeback */
  flush: { args: { path: string }; result: null }
  /** Closes the claimed device. */
  release: { args: { path: string }; result: null }
  /**
   * INQUIRY and READ CAPACITY, sent to the device through its sg node; on request also its registrations and reservation.
   * @property path of its sg device
   */
  inquire: { args: { path: string; reservations?: boolean }; result: Inquiry }
  /** PERSISTENT RESERVE commands, in order, up to the first that fails. @property path of its sg device */
  persist: { args: { path: string; commands: readonly PersistCommand[] }; result: PersistAnswer[] }
  /** Bytes of a block device as its users see them: from the page cache, if they are in it. */
  readBlock: { args: { path: string; offset: number; length: number }; result: Uint8Array }
  /**
   * Parts of a volume from its target, not from the page cache, in one array. Null if one of them cannot be read.
   * @property path of its sg device
   */
  readVolume: { args: { path: string; parts: readonly VolumePart[] }; result: Uint8Array | null }
  /** One VPD page of each of several disks through their sg nodes, in order; on request also the reservation. */
  vital: { args: { path: string; disks: readonly VitalQuestion[] }; result: VitalAnswer[] }
  /** Whether a block device of `size` bytes is zero in its first and last `bytes`, and in samples between. */
  zeros: { args: { path: string; bytes: number; size: number }; result: boolean }
  /** The path with all links in its existing part resolved. */
  resolve: { args: { path: string }; result: string }
  /** The directory and its parents that do not exist, outermost first. */
  missingDirectories: { args: { path: string }; result: string[] }
  /** The first directory of a path in which a user other than root could replace the next component; null if none. */
  firstUntrusted: { args: { path: string }; result: Untrusted | null }
  /**
   * Creates a directory and its parents, if they do not exist. With `trusted` it throws EPERM, and creates nothing, if
   * {@link firstUntrusted} finds a directory.
   * @returns whether the path is a symbolic link, and whether the directory is empty
   */
  makeDirectory: { args: { path: string; trusted?: boolean }; result: { link: boolean; empty: boolean } }
  /** Removes a directory. False if it is not empty or not a directory; true if it does not exist. */
  removeDirectory: { args: { path: string }; result: boolean }
  /** Creates an empty file and its parent directories. False if the path exists and is not an empty file. */
  makeFile: { args: { path: string }; result: boolean }
  /** Removes an empty file. False if the path is anything else; true if it does not exist. */
  removeFile: { args: { path: string }; result: boolean }
  /** The result of statfs(2) for a mounted file system. */
  statfs: { args: { path: string }; result: FsUsage }
  /** The names in a directory. */
  listDirectory: { args: { path: string }; result: string[] }
  /** The processes that have one of these devices open (`b8:16`, `c21:3`). @property path where procfs is mounted */
  deviceFiles: { args: { path: string; devices: string[]; nodes: string[] }; result: DeviceFile[] }
  /** Creates an unlinked file in a directory (O_TMPFILE) and closes it. */
  testWrite: { args: { path: string }; result: null }
  /** Writes out the dirty pages in the cache of a block device. EIO also if an earlier failure has not been reported yet. */
  syncDevice: { args: { path: string }; result: null }
}

export type Verb = keyof Verbs

/** Usage of a file system; `free` is what users other than root can use. */
export interface FsUsage {
  readonly bytes: { readonly total: number; readonly used: number; readonly free: number }
  readonly files: { readonly total: number; readonly used: number; readonly free: number }
}

/** A directory in which users other than root can replace entries. */
export interface Untrusted {
  readonly directory: string
  readonly uid: number
  /** Permissions, sticky bit included. */
  readonly mode: number
}

/** A process that has a device open, and the name of the device's node in that process's namespace. */
export interface DeviceFile {
  readonly pid: number
  readonly command: string
  readonly path: string
}

export interface Inquiry {
  /** False if the target answers that it has no such LUN, or that it is not a disk. */
  readonly present: boolean
  /** VPD pages as received, header included; null if the device has no such page. */
  readonly page80: Uint8Array | null
  readonly page83: Uint8Array | null
  readonly bytes: number | null
  /** The answers to READ KEYS and READ RESERVATION; null if they were not requested. */
  readonly reservations: PersistAnswer[] | null
}

/** A part of a volume, in bytes: multiples of the device's block size. */
export interface VolumePart {
  readonly offset: number
  readonly length: number
}

/** A PERSISTENT RESERVE IN command, or an OUT command. Keys are 16 hexadecimal digits. */
export type PersistCommand =
  | { readonly read: 'keys' | 'reservation' | 'capabilities' | 'status' }
  | {
      /** `register` is REGISTER AND IGNORE EXISTING KEY; `preempt` is PREEMPT AND ABORT. */
      readonly act: 'register' | 'reserve' | 'clear' | 'preempt'
      /** The key that is registered now. @default 0 */
      readonly key?: string
      /** The key to register (0 unregisters), or the key to preempt. @default 0 */
      readonly newKey?: string
      /** The type of the reservation. @default 0 */
      readonly type?: number
      /** Whether the registration survives a loss of power of the target (APTPL). @default false */
      readonly persists?: boolean
      /** Whether the next command is sent even if this one fails. @default false */
      readonly mayFail?: boolean
    }

/** `conflict`: RESERVATION CONFLICT. `refused`: any other status; `isUnknown` if the device has no such command. */
export type PersistAnswer =
  | { readonly kind: 'done'; readonly data: Uint8Array }
  | { readonly kind: 'conflict' | 'refused'; readonly why: string; readonly isUnknown: boolean }

export interface VitalQuestion {
  readonly sg: string
  readonly pages: readonly number[]
  /** Whether to send READ RESERVATION as well. @default false */
  readonly reservation?: boolean
}

export interface VitalAnswer {
  readonly pages: VitalPages
  /** The answer to READ RESERVATION; null if it was not requested, or the pages have no answer. */
  readonly reservation: Uint8Array | 'refused' | null
}

/** The pages as received; null if the target reports no such LUN, or not a disk; the error if there was no answer. */
export type VitalPages = readonly Uint8Array[] | null | { readonly errno: string; readonly message: string }

export interface Request<V extends Verb = Verb> {
  readonly id: number
  readonly verb: V
  readonly args: Verbs[V]['args']
}

/** The id of the message with which a worker process reports that it has started. */
export const STARTED = 0

export interface Reply {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly errno: string; readonly message: string }
}
