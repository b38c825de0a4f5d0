/** What a hand can do: the calls that can block in the kernel for as long as a target is away. */
export interface Verbs {
  /** Writes `text` to a file of sysfs: scan, delete, rescan. */
  write: { args: { path: string; text: string }; result: null }
  /** Opens a block device as its only claimant (O_EXCL) and keeps it; false where someone has claimed it. */
  claim: { args: { path: string }; result: boolean }
  /** fsync of the claimed device: true once all data is on it. @throws the errno of the write-back */
  flush: { args: { path: string }; result: null }
  /** Gives the claim back. */
  release: { args: { path: string }; result: null }
  /** INQUIRY and READ CAPACITY, sent to the device through its sg node. */
  inquire: { args: { path: string }; result: Inquiry }
  /** One VPD page of each of several disks through their sg nodes, one after the other: {@link VitalPage}. */
  vital: { args: { path: string; disks: readonly { sg: string; page: number }[] }; result: VitalPage[] }
  /** Whether a block device of `size` bytes is all zeros in its first and last `bytes`, and in samples between. */
  zeros: { args: { path: string; bytes: number; size: number }; result: boolean }
  /** A path with the links in its existing part followed. */
  resolve: { args: { path: string }; result: string }
  /** A directory and those above it, as far as they do not exist; outermost first. */
  missingDirectories: { args: { path: string }; result: string[] }
  /** Makes a directory and those above it; tells what the last one is. */
  makeDirectory: { args: { path: string }; result: { link: boolean; empty: boolean } }
  /** Removes a directory if it is empty; false where it is not. */
  removeDirectory: { args: { path: string }; result: boolean }
  /** Makes an empty file, with the directories above it; false where something else is there. */
  makeFile: { args: { path: string }; result: boolean }
  /** Removes an empty file; false where it is something else. */
  removeFile: { args: { path: string }; result: boolean }
  /** What statfs(2) says of a mounted file system. */
  statfs: { args: { path: string }; result: FsUsage }
  /** The names in a directory. */
  listDirectory: { args: { path: string }; result: string[] }
  /** Makes a file without a name in a directory, and lets it go: null where that works. */
  testWrite: { args: { path: string }; result: null }
}

export type Verb = keyof Verbs

/** Bytes and files of a file system; `free` is what anybody but root can have. */
export interface FsUsage {
  readonly bytes: { readonly total: number; readonly used: number; readonly free: number }
  readonly files: { readonly total: number; readonly used: number; readonly free: number }
}

export interface Inquiry {
  /** False where the target answers that it has no such LUN, or none that is a disk. */
  readonly present: boolean
  /** VPD pages as they came, header included; null where the device has no such page. */
  readonly page80: Uint8Array | null
  readonly page83: Uint8Array | null
  readonly bytes: number | null
}

/** A page as it came; null where the target says that there is no such LUN; what went wrong where nothing came. */
export type VitalPage = Uint8Array | null | { readonly errno: string; readonly message: string }

export interface Request<V extends Verb = Verb> {
  readonly id: number
  readonly verb: V
  readonly args: Verbs[V]['args']
}

export interface Reply {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly errno: string; readonly message: string }
}
