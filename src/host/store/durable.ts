import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import type { LunkeeperError } from '../../model/errors.ts'
import { makeDirectories } from '../fs/make-directories.ts'
import { storeError } from './store-error.ts'

/**
 * Replaces a file as a whole: after a crash or a loss of power either the old or the new file exists. The name of the
 * temporary file starts with a dot. It may be left after a crash, so readers skip such names.
 * @param temporary directory for the temporary file, on the same file system. @default beside the file
 * @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE
 */
export function writeDurable(path: string, text: string, temporary = dirname(path)): void {
  put(path, text, temporary, renameSync)
}

/**
 * Like {@link writeDurable}, for a file that must not exist yet. Of several writers only one succeeds.
 * @returns false if the file exists; it is not changed
 * @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE
 */
export function createDurable(path: string, text: string, temporary = dirname(path)): boolean {
  let exists = false
  put(path, text, temporary, (temp) => {
    try {
      linkSync(temp, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      exists = true
    }
    rmSync(temp)
  })
  return !exists
}

function put(
  path: string,
  text: string,
  temporary: string,
  place: (temp: string, path: string) => void,
): void {
  // Random, because in a container a process has the same number as its dead predecessor.
  const temp = join(temporary, `.${basename(path)}.${randomBytes(6).toString('hex')}`)
  try {
    const created = makeDirectories(dirname(path), 0o700)
    try {
      writeThrough(temp, text)
      place(temp, path)
    } catch (error) {
      rmSync(temp, { force: true })
      throw error
    }
    syncDirectory(dirname(path))
    if (created !== undefined) syncAbove(dirname(path), created)
  } catch (error) {
    throw unwritable(path, error)
  }
}

function writeThrough(path: string, text: string): void {
  const fd = openSync(path, 'wx', 0o600)
  try {
    const bytes = Buffer.from(text)
    // A full disk may accept a part and report that only at the next write or at fsync.
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Removes a file so that it stays removed after a loss of power. @returns whether it existed */
export function removeDurable(path: string): boolean {
  try {
    rmSync(path)
    syncDirectory(dirname(path))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw unwritable(path, error)
  }
}

/**
 * Makes the entries of new directories in their parents durable: of `path`, and of all directories between it and
 * the first `created` one.
 */
function syncAbove(path: string, created: string): void {
  syncDirectory(dirname(path))
  if (path !== created && path !== dirname(path)) syncAbove(dirname(path), created)
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function unwritable(path: string, cause: unknown): LunkeeperError {
  return storeError(`${path} cannot be written: ${(cause as Error).message}`, path, cause)
}
