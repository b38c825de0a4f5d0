import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { whyUnreadable } from '../../model/file-error.ts'
import type { Chap } from '../../model/secret.ts'
import { parseChap } from '../../model/secret.ts'
import { readInput } from './input-bytes.ts'

/** A file has four lines of at most 255 characters, and perhaps comments. */
const MAX_BYTES = 64 << 10

/**
 * Reads CHAP credentials from a file, from stdin (`-`) or from an open descriptor (`fd:3`, `/dev/fd/3`). Warns if users
 * other than the owner can read the file. No error quotes the contents.
 * @throws BAD_CHAP
 */
export async function readChap(source: string, warn: (message: string) => void): Promise<Chap> {
  const { bytes, stat } = await readInput(source.replace(/^fd:(?=\d+$)/, '/dev/fd/'), MAX_BYTES).catch(
    (cause: unknown) => {
      throw new LunkeeperError(
        'BAD_CHAP',
        `the CHAP credentials in ${source} cannot be read: ${whyUnreadable(cause)}`,
        { cause },
      )
    },
  )
  if (stat.isFile() && (stat.mode & 0o077) !== 0)
    warn(`${source} is readable by users other than its owner; run chmod 600 ${source}`)
  try {
    return parseChap(bytes.toString('utf8'))
  } catch (error) {
    if (!isLunkeeperError(error)) throw error
    throw new LunkeeperError(error.code, `${source}: ${error.message}`, { cause: error })
  }
}
