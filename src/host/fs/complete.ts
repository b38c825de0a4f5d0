import type { FileSystem } from '../../model/request.ts'
import type { Program } from '../exec/programs.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'

/** The check reads all metadata: little in a new file system, but minutes for 64 TiB over a slow link. */
const DEADLINE_MS = 10 * 60_000

/**
 * Whether a file system is complete that mkfs may not have finished. Only reads. A signature is not enough: mkfs.ext4 writes
 * its superblock last, but through the page cache, which may reach the disk in another order when a machine fails; mkfs.xfs
 * writes it first and marks it `inprogress`, which blkid does not check.
 * @throws PROGRAM_MISSING TIMEOUT
 */
export async function isFsComplete(host: Host, device: string, type: string): Promise<boolean> {
  const [program, ...options] = CHECKS[type as FileSystem] ?? []
  if (!program) return false
  const ran = await host.run(program, [...options, deviceNode(host, device)], { deadline: DEADLINE_MS })
  return ran.code === 0
}

const CHECKS: Readonly<Record<FileSystem, readonly [Program, ...string[]]>> = {
  ext4: ['fsck.ext4', '-n', '-f'],
  xfs: ['xfs_repair', '-n'],
}
