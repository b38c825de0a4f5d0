import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

import { LunkeeperError } from '../../model/errors.ts'
import type { Chap } from '../../model/secret.ts'
import { parseChap } from '../../model/secret.ts'
import { whyUnreadable } from '../../model/file-error.ts'

/** A file has four lines of at most 255 characters, and perhaps comments. */
const MAX_BYTES = 64 << 10

/**
 * Reads CHAP credentials from a file, from stdin (`-`) or from an open descriptor (`fd:3`, `/dev/fd/3`). Warns if users
 * other than the owner can read the file. No error quotes the contents.
 * @throws BAD_CHAP
 */
export function readChap(source: string, warn: (message: string) => void): Chap {
  const descriptor = descriptorOf(source)
  const fd = descriptor ?? open(source)
  try {
    const stat = fstatSync(fd)
    if (stat.isFile() && (stat.mode & 0o077) !== 0)
      warn(`${source} is readable by users other than its owner; run chmod 600 ${source}`)
    return parseChap(readAll(fd, source))
  } catch (cause) {
    throw unreadable(source, cause)
  } finally {
    if (descriptor === null) closeSync(fd)
  }
}

function descriptorOf(source: string): number | null {
  if (source === '-' || source === '/dev/stdin') return 0
  const parts = /^(?:fd:|\/dev\/fd\/|\/proc\/self\/fd\/)(\d{1,6})$/.exec(source)
  return parts ? Number(parts[1]) : null
}

function open(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function readAll(fd: number, source: string): string {
  const buffer = Buffer.alloc(MAX_BYTES + 1)
  let length = 0
  for (;;) {
    const bytesRead = readSync(fd, buffer, length, buffer.length - length, null)
    if (bytesRead === 0) return buffer.toString('utf8', 0, length)
    length += bytesRead
    if (length > MAX_BYTES)
      throw new LunkeeperError('BAD_CHAP', `${source} is too long to be CHAP credentials`)
  }
}

function unreadable(source: string, cause: unknown): unknown {
  if (cause instanceof LunkeeperError) return cause
  return new LunkeeperError(
    'BAD_CHAP',
    `the CHAP credentials in ${source} cannot be read: ${whyUnreadable(cause)}`,
    { cause },
  )
}
