import { closeSync, openSync, readSync } from 'node:fs'

const buffer = Buffer.allocUnsafe(64)

interface Followed {
  file: number | null
  /** Undefined: not read yet. */
  value: string | null | undefined
}

/**
 * Attributes of sysfs that are read again and again: each is opened once, and one system call tells its
 * value. The kernel sends no notification of a session's state (scsi_transport_iscsi.c has no sysfs_notify, and
 * its netlink events go to iscsid), so looking often and cheaply is how to know at once.
 */
export class AttributePoller implements Disposable {
  readonly #files = new Map<string, Followed>()

  /** Follows these and no others. */
  follow(paths: Iterable<string>): void {
    const wanted = new Set(paths)
    for (const path of this.#files.keys()) if (!wanted.has(path)) this.#forget(path)
    for (const path of wanted)
      if (!this.#files.has(path)) this.#files.set(path, { file: null, value: undefined })
  }

  /** Those that say something else than when they were last looked at; the first look counts as well. */
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

/** The value; null where the object is gone, or does not tell it now. */
function look(path: string, followed: Followed): string | null {
  try {
    followed.file ??= openSync(path, 'r')
    const length = readSync(followed.file, buffer, 0, buffer.length, 0)
    return buffer.toString('latin1', 0, length).trimEnd()
  } catch {
    // The next object of this path is another one.
    close(followed)
    return null
  }
}

function close(followed: Followed): void {
  if (followed.file !== null) closeSync(followed.file)
  followed.file = null
}
