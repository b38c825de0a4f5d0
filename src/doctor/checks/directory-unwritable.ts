import { accessSync, constants, statfsSync } from 'node:fs'
import { dirname } from 'node:path'

import { formatBytes } from '../../model/bytes.ts'
import type { NodeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'

/** A record or a note has a few KiB, and is written beside the old one. Less than this is used up soon. */
const MIN_FREE_BYTES = 1 << 20
const MIN_FREE_FILES = 16

/** Full, read-only, or not a directory: then commands are refused, and the agent cannot note an outage. */
export const directoryUnwritable: NodeCheck = {
  name: 'the directories of records and notes',
  node: ({ host: { places } }) => [
    ...findingsOf('records', places.records),
    ...findingsOf('runtime', places.runtime),
  ],
}

function findingsOf(of: 'records' | 'runtime', directory: string): Finding[] {
  const why = whyUnwritable(directory)
  if (why === null) return []
  return [
    {
      code: 'DIRECTORY_UNWRITABLE',
      severity: 'critical',
      subject: directory,
      message: `the ${of} directory ${why}: volumes cannot be attached, detached or changed, and outages are not recorded`,
      evidence: { directory, of, why },
      fix: 'Free space there, or make it a directory on a writable file system.',
    },
  ]
}

/** Null if it is writable. A directory that does not exist yet is made in the next one above. */
function whyUnwritable(directory: string): string | null {
  try {
    // The slash: a file is not a directory.
    accessSync(`${directory}/`, constants.W_OK)
    return whyFull(directory)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && directory !== dirname(directory)) return whyUnwritable(dirname(directory))
    if (code === 'EROFS') return 'is on a read-only file system'
    if (code === 'ENOTDIR') return 'is not a directory'
    // Only root writes there.
    return code === 'EACCES' ? null : `cannot be written (${message})`
  }
}

function whyFull(directory: string): string | null {
  const { bsize, bfree, blocks, files, ffree } = statfsSync(directory)
  // Some file systems do not count blocks or files, and report 0 of both.
  if (blocks > 0 && bfree * bsize < MIN_FREE_BYTES) return `is full (${formatBytes(bfree * bsize)} are free)`
  if (files > 0 && ffree < MIN_FREE_FILES) return `is full (it has room for ${ffree} more files)`
  return null
}
