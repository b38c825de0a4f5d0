import { dirname } from 'node:path'

import type { ErrorCode } from '../../model/errors.ts'
import { LunkeeperError } from '../../model/errors.ts'

/**
 * The error for a file of Lunkeeper (records, notes, history, locks) that cannot be read or written.
 * @param cause the error of the system call
 */
export function storeError(message: string, path: string, cause: unknown): LunkeeperError {
  const { code } = cause as NodeJS.ErrnoException
  const kind = kindOf(code)
  const directory = dirname(path)
  return new LunkeeperError(kind, message, {
    cause,
    ...(kind === 'NO_SPACE' ? { hint: `Free space in ${directory}.` } : {}),
    ...(kind === 'RECORD_UNWRITABLE'
      ? { hint: `Check ${directory}: it must be a directory on a writable file system.` }
      : {}),
    details: { path, errno: code },
  })
}

function kindOf(errno: string | undefined): ErrorCode {
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return 'NO_SPACE'
  return errno === 'EACCES' || errno === 'EPERM' ? 'NO_PERMISSION' : 'RECORD_UNWRITABLE'
}
