/** The calls that a worker can make: those that can block in the kernel for as long as a target is away. */
export interface Verbs {
  /** Writes `text` to a file of sysfs: scan, delete, rescan. */
  write: { args: { path: string; text: string }; result: null }
  /** Opens a block device as its only claimant (O_EXCL) and keeps it open; false if it is already claimed. */
  claim: { args: { path: string }; result: boolean }
  /** fsync of the claimed device: true once all data is on it. @throws the errno of the writeback */
  flush: { args: { path: string }; result: null }
  /** Releases the claim. */
  release: { args: { path: string }; result: null }
  /**
   * INQUIRY and READ CAPACITY, sent to the device through its sg node; then, where asked for, its registrations and
   * reservation, and the first sectors of what is on it, read past the page cache.
   */
  inquire: { args: { path: string; reservations?: boolean }; result: Inquiry }
  /** PERSISTENT RESERVE commands, one after the other, up to the first that does not succeed. */
  persist: { args: { path: string; commands: readonly PersistCommand[] }; result: PersistAnswer[] }
  /** Bytes of a block device as its users see them, from the page cache where they are in it. */
  readBlock: { args: { path: string; offset: number; length: number }; result: Uint8Array }
  /** Parts of a volume from its target, past the page cache, in one array; null where one of them cannot be read. @property path of its sg device */
  readVolume: { args: { path: string; parts: readonly VolumePart[] }; result: Uint8Array | null }
  /** One VPD page of each of several disks through their sg nodes, one after the other; where asked for, who reserved it. */
  vital: { args: { path: string; disks: readonly VitalQuestion[] }; result: VitalAnswer[] }
  /** Whether a block device of `size` bytes is all zeros in its first and last `bytes`, and in samples between. */
  zeros: { args: { path: string; bytes: number; size: number }; result: boolean }
  /** A path with the links in its existing part followed. */
  resolve: { args: { path: string }; result: string }
  /** A directory and those above it that do not exist; outermost first. */
  missingDirectories: { args: { path: string }; result: string[] }
  /**
   * The first directory of a path in which users other than root could replace the next component; null if there is
   * none.
   */
  firstUntrusted: { args: { path: string }; result: Untrusted | null }
  /**
   * Creates a directory and those above it; reports what the last one is. With `trusted` nothing is created in a
   * directory that {@link firstUntrusted} would report: it throws EPERM.
   */
  makeDirectory: { args: { path: string; trusted?: boolean }; result: { link: boolean; empty: boolean } }
  /** Removes a directory if it is empty; false if it is not. */
  removeDirectory: { args: { path: string }; result: boolean }
  /** Creates an empty file, with the directories above it; false if something else is there. */
  makeFile: { args: { path: string }; result: boolean }
  /** Removes an empty file; false if it is something else. */
  removeFile: { args: { path: string }; result: boolean }
  /** The result of statfs(2) for a mounted file system. */
  statfs: { args: { path: string }; result: FsUsage }
  /** The names in a directory. */
  listDirectory: { args: { path: string }; result: string[] }
  /** The processes that have one of these devices open (`b8:16`, `c21:3`); `path` is where procfs is mounted. */
  deviceFiles: { args: { path: string; devices: string[]; nodes: string[] }; result: DeviceFile[] }
  /** Creates an unlinked file in a directory and closes it: null on success. */
  testWrite: { args: { path: string }; result: null }
}

export type Verb = keyof Verbs

/** Bytes and files of a file system; `free` is what users other than root can have. */
export interface FsUsage {
  readonly bytes: { readonly total: number; readonly used: number; readonly free: number }
  readonly files: { readonly total: number; readonly used: number; readonly free: number }
}

/** A directory that users other than root can change. */
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
  /** Null where it was not asked for. */
  readonly reservations: PersistAnswer[] | null
}

/** In bytes; multiples of the device's block size. */
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
      /** The key that is registered. @default 0 */
      readonly key?: string
      /** The key to register (0: unregister), or the one to preempt. @default 0 */
      readonly newKey?: string
      /** The type of the reservation. @default 0 */
      readonly type?: number
      /** Keep it over a loss of power (APTPL). @default false */
      readonly persists?: boolean
    }

/** `conflict`: RESERVATION CONFLICT. `refused`: any other status; `isUnknown` where the device has no such command. */
export type PersistAnswer =
  | { readonly kind: 'done'; readonly data: Uint8Array }
  | { readonly kind: 'conflict' | 'refused'; readonly why: string; readonly isUnknown: boolean }

export interface VitalQuestion {
  readonly sg: string
  readonly page: number
  /** READ RESERVATION as well. @default false */
  readonly reservation?: boolean
}

export interface VitalAnswer {
  readonly page: VitalPage
  /** Null where it was not asked for, or did not succeed. */
  readonly reservation: Uint8Array | null
}

/** A page as received; null if the target reports no such LUN; the error if there was no answer. */
export type VitalPage = Uint8Array | null | { readonly errno: string; readonly message: string }

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
