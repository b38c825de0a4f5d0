import type { Event } from './event.ts'
import type { FileSystemFailureKind } from '../report.ts'

const DEVICE = String.raw`([\w!.:-]{1,64}?)`

/** Messages of ext4, its journal, XFS and btrfs about a failing disk. The first pattern that matches counts. */
const MESSAGES: readonly (readonly [pattern: RegExp, type: string, what: FileSystemFailureKind])[] = [
  // The journal of sdb is named sdb-8, after its inode; an external journal has the device's own name.
  [new RegExp(String.raw`^Aborting journal on device ${DEVICE}(?:-8)?\.`), 'ext4', 'journal aborted'],
  [new RegExp(String.raw`^EXT[34]-fs \(${DEVICE}\): Remounting filesystem read-only`), 'ext4', 'read-only'],
  [
    new RegExp(String.raw`^EXT[34]-fs warning \(device ${DEVICE}\): ext4_end_bio.*I/O error`),
    'ext4',
    'data lost',
  ],
  [
    new RegExp(String.raw`^EXT[34]-fs \(${DEVICE}\): failed to convert unwritten extents`),
    'ext4',
    'data lost',
  ],
  [
    new RegExp(String.raw`^EXT[34]-fs error \(device ${DEVICE}\).*Detected aborted journal`),
    'ext4',
    'journal aborted',
  ],
  [new RegExp(String.raw`^EXT[34]-fs error \(device ${DEVICE}\)`), 'ext4', 'error'],
  [
    new RegExp(
      String.raw`^EXT[34]-fs \(${DEVICE}\): (?:previous I/O error to superblock|I/O error while writing superblock)`,
    ),
    'ext4',
    'error',
  ],
  [
    new RegExp(
      String.raw`^EXT[34]-fs \(${DEVICE}\): (?:shut down requested|Delayed block allocation failed)`,
    ),
    'ext4',
    'error',
  ],
  [
    new RegExp(String.raw`^JBD2: .*\bIO errors while flushing file data on ${DEVICE}(?:-8)?$`),
    'ext4',
    'data lost',
  ],
  [new RegExp(String.raw`^JBD2: .*\bjournal superblock for ${DEVICE}(?:-8)?\.`), 'ext4', 'error'],
  [
    new RegExp(
      String.raw`^XFS \(${DEVICE}\): (?:.*(?:[Ss]hutting down filesystem|Filesystem has been shut down)|xfs_do_force_shutdown)`,
    ),
    'xfs',
    'shut down',
  ],
  [new RegExp(String.raw`^XFS \(${DEVICE}\): writeback error`), 'xfs', 'data lost'],
  [new RegExp(String.raw`^XFS \(${DEVICE}\): .*I/O [Ee]rror`), 'xfs', 'error'],
  [
    new RegExp(
      String.raw`^BTRFS:?(?: info| warning| error| critical)? \(device ${DEVICE}(?:[: ][^)]*)?\).*forced readonly`,
    ),
    'btrfs',
    'read-only',
  ],
  [
    new RegExp(
      String.raw`^BTRFS:?(?: error| critical)? \(device ${DEVICE}(?:[: ][^)]*)?\).*(?:IO failure|errs:)`,
    ),
    'btrfs',
    'error',
  ],
]

/** Parses a message of a file system about a failure; null if it is not relevant. */
export function fileSystemMessage(message: string): Event | null {
  for (const [pattern, type, what] of MESSAGES) {
    const device = pattern.exec(message)?.[1]
    if (device !== undefined) return { kind: 'file system', device, type, what }
  }
  return null
}
