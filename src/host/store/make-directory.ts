import { makeDirectories } from '../fs/make-directories.ts'
import { storeError } from './store-error.ts'

/**
 * Makes a directory of Lunkeeper's own files, for root only.
 * @returns the first directory that was made; undefined if it existed
 * @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE
 */
export function makeDirectory(path: string): string | undefined {
  try {
    return makeDirectories(path, 0o700)
  } catch (cause) {
    throw storeError(`the directory ${path} cannot be made: ${(cause as Error).message}`, path, cause)
  }
}
