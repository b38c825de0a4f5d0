import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'

/** unix(7): sun_path has 108 bytes, the last of which is NUL. */
const MAX_BYTES = 107

/** Of the private name of a socket: `.` and the digits of {@link RANDOM_BYTES}. */
export const RANDOM_BYTES = 6
const SUFFIX_BYTES = 1 + 2 * RANDOM_BYTES

/** The public path of a lock. A hash, because the path of a socket is limited. */
export function socketPath(dir: string, key: string): string {
  return join(dir, createHash('sha256').update(key).digest('hex').slice(0, 24))
}

/** @throws USAGE the directory's path leaves no room for the names of sockets */
export function refuseLongPath(path: string): void {
  const excess = Buffer.byteLength(path) + SUFFIX_BYTES - MAX_BYTES
  if (excess > 0)
    throw new LunkeeperError('USAGE', `${dirname(path)} is ${excess} bytes too long for locks`, {
      hint: `Give a runtime directory with a shorter path (--runtime): the path of a socket has at most ${MAX_BYTES} bytes.`,
    })
}
