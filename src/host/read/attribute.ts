import type { Stats } from 'node:fs'
import { closeSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'

// One buffer for all reads: an attribute is at most a page (fs/sysfs/file.c), and nothing here is async.
const PAGE = 4096
const buffer = Buffer.allocUnsafe(16 * PAGE)

/** The kernel's text for one attribute, without its final newline; null if it cannot be read. */
export function readAttribute(path: string): string | null {
  const length = readOnce(path, buffer, PAGE)
  if (length === null) return null
  return buffer.toString('utf8', 0, length > 0 && buffer[length - 1] === 0x0a ? length - 1 : length)
}

/** A whole number in decimal; null if there is none. */
export function readNumber(path: string): number | null {
  const text = readAttribute(path)
  return text !== null && /^-?\d+$/.test(text) ? Number(text) : null
}

/** The first `max` bytes of a binary attribute, as a copy; null if it cannot be read. */
export function readBytes(path: string, max: number): Buffer | null {
  const bytes = Buffer.allocUnsafe(max)
  const length = readOnce(path, bytes, max)
  return length === null ? null : bytes.subarray(0, length)
}

/** The contents of a file of /proc, which has no size and is read a few pages at a time; null if it cannot be read. */
export function readText(path: string): string | null {
  return tolerate(() => {
    const file = openSync(path, 'r')
    try {
      const parts: Buffer[] = []
      for (let length; (length = readSync(file, buffer, 0, buffer.length, null)) > 0;)
        parts.push(Buffer.from(buffer.subarray(0, length)))
      return Buffer.concat(parts).toString('utf8')
    } finally {
      closeSync(file)
    }
  })
}

/** The names in a directory, in no particular order; empty if it does not exist. */
export function listNames(directory: string): string[] {
  return tolerate(() => readdirSync(directory)) ?? []
}

/** Target of a symbolic link, unchanged; null if there is none. */
export function readLink(path: string): string | null {
  return tolerate(() => readlinkSync(path))
}

/** What a path leads to, through symbolic links; null if it cannot be examined. */
export function readStat(path: string): Stats | null {
  return tolerate(() => statSync(path))
}

/** The last component of a symbolic link's target: in sysfs, the name of the object. */
export function linkName(path: string): string | null {
  const target = readLink(path)
  return target === null ? null : basename(target)
}

// sysfs returns a whole attribute to the first read, so a second read to find its end is unnecessary.
function readOnce(path: string, into: Buffer, max: number): number | null {
  return tolerate(() => {
    const file = openSync(path, 'r')
    try {
      return readSync(file, into, 0, max, null)
    } finally {
      closeSync(file)
    }
  })
}

// What the kernel refuses to read counts as absent, whatever the reason: ENOENT, ENODEV, ENXIO (no such VPD page),
// ENOTCONN (address of a lost connection), EINVAL, EACCES. A resource shortage of our own says nothing about the host:
// a full table of open files must never count as "no sessions".
const OUR_OWN = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

function tolerate<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (typeof code !== 'string' || OUR_OWN.has(code)) throw error
    return null
  }
}
