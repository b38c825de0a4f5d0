import { closeSync, openSync, readSync } from 'node:fs'

const buffer = Buffer.allocUnsafe(64)

/**
 * Attributes of sysfs that are read again and again: each is opened once, and one system call tells its
 * value. The kernel notifies nobody of a session's state (scsi_transport_iscsi.c has no sysfs_notify, and
 * its netlink events go to iscsid), so looking often and cheaply is how to know at once.
 */
export class Watch {
  readonly #files = new Map<string, number>()
  /** What was read in this turn: many volumes have one session. */
  readonly #seen = new Map<string, string | null>()

  /** From here on everything is read anew. */
  turn(): void {
    this.#seen.clear()
  }

  /** The value; null where the object is gone. */
  read(path: string): string | null {
    const seen = this.#seen.get(path)
    if (seen !== undefined) return seen
    const value = this.#look(path)
    this.#seen.set(path, value)
    return value
  }

  #look(path: string): string | null {
    try {
      let file = this.#files.get(path)
      if (file === undefined) this.#files.set(path, (file = openSync(path, 'r')))
      const length = readSync(file, buffer, 0, buffer.length, 0)
      return buffer.toString('latin1', 0, length).trimEnd()
    } catch {
      this.#forget(path)
      return null
    }
  }

  /** Lets go of all that is not among these. */
  keep(paths: ReadonlySet<string>): void {
    for (const path of this.#files.keys()) if (!paths.has(path)) this.#forget(path)
  }

  #forget(path: string): void {
    const file = this.#files.get(path)
    this.#files.delete(path)
    if (file !== undefined) closeSync(file)
  }

  [Symbol.dispose](): void {
    this.keep(new Set())
  }
}
