import { readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { LabError } from '../error.ts'

/**
 * Where a lab keeps its machines' memory, disks and sockets: in memory if there is room.
 *
 * A user-mode kernel's memory is a mapped file that contains code, so the directory must not be mounted noexec
 * (containers' /dev/shm often is, or has only 64 MB). The directory must have room for two machines of 512 MB.
 */
export function memoryDirectory(): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  for (const dir of ['/dev/shm', tmpdir(), '/var/tmp']) {
    if (
      mounts.some(
        ([, at, , options = '']) =>
          at === dir && options.split(',').some((word) => word === 'noexec' || word === 'ro'),
      )
    )
      continue
    try {
      const { bavail, bsize } = statfsSync(dir)
      if (bavail * bsize >= 1 << 30) return dir
    } catch {
      // no such directory: try the next one
    }
  }
  throw new LabError(
    'the lab found no place for its machines: /dev/shm or the temporary directory needs 1 GB free and must not be mounted noexec (TMPDIR names another)',
  )
}
