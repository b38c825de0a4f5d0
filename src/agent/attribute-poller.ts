import { closeSync, openSync, readSync } from 'node:fs'

const buffer = Buffer.allocUnsafe(64)

interface Followed {
  file: number | null
  /** Undefined: not read yet. */
  value: string | null | undefined
}

/**
 * Polls sysfs attributes: each file is opened once, and one system call reads its value. The kernel sends no
 * notification of a session's state (scsi_transport_iscsi.c has no sysfs_notify, and its netlink events go to
 * iscsid), so frequent cheap reads are the way to notice a change at once.
 */
export class AttributePoller implements Disposable {
  readonly #files = new Map<string, Followed>()

  /** Polls exactly these attributes from now on. */
  follow(paths: Iterable<string>): void {
    const wanted = new Set(paths)
    for (const path of this.#files.keys()) if (!wanted.has(path)) this.#forget(path)
    for (const path of wanted)
      if (!this.#files.has(path)) this.#files.set(path, { file: null, value: undefined })
  }

  /** Attributes whose value differs from the last read; on the first read, all of them. */
  changes(isDue: (path: string) => boolean = () => true): ReadonlySet<string> {
    const changed = new Set<string>()
    for (const [path, followed] of this.#files) {
      if (followed.value !== undefined && !isDue(path)) continue
      const value = look(path, followed)
      if (value !== followed.value) changed.add(path)
      followed.value = value
    }
    return changed
  }

  #forget(path: string): void {
    const followed = this.#files.get(path)
    this.#files.delete(path)
    if (followed) close(followed)
  }

  [Symbol.dispose](): void {
    this.follow([])
  }
}

/** The value; null if the object is gone, or the read fails. */
function look(path: string, followed: Followed): string | null {
  try {
    followed.file ??= openSync(path, 'r')
    const length = readSync(followed.file, buffer, 0, buffer.length, 0)
    return buffer.toString('latin1', 0, length).trimEnd()
  } catch {
    // If this path exists again, it belongs to another object: open it again.
    close(followed)
    return null
  }
}

function close(followed: Followed): void {
  if (followed.file !== null) closeSync(followed.file)
  followed.file = null
}
