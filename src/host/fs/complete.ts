import { LunkeeperError } from '../../model/errors.ts'
import type { FileSystem } from '../../model/request.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { readHead } from '../disk/read-volume.ts'
import { failureReason } from '../exec/run.ts'
import type { Program } from '../exec/programs.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import { ext4Mark } from './ext4-mark.ts'

/** The check reads all metadata: little in a new file system, but minutes for 64 TiB over a slow link. */
const DEADLINE_MS = 10 * 60_000
/** "XFSB", and whether mkfs has not ended: fs/xfs/libxfs/xfs_format.h, struct xfs_dsb, sb_inprogress. */
const XFS_MAGIC = 0x58465342
const XFS_IN_PROGRESS = 126

/**
 * Whether a file system that mkfs may not have finished is complete, or has been used since: another node may have
 * finished and used it. Only an unused one may be created again; a used one must not be, whatever its state. Only
 * reads.
 *
 * A signature is not enough: mkfs.ext4 writes its superblock last, but through the page cache, which may reach the disk in
 * another order when a machine fails; mkfs.xfs writes it first and marks it `inprogress`, which blkid does not check.
 * @param disk of the volume: its superblock is read from the target
 * @throws PROGRAM_MISSING TIMEOUT TARGET_AWAY STUCK · MOUNT_FAILED this cannot be determined
 */
export async function isFsComplete(
  host: Host,
  device: string,
  disk: ScsiDisk,
  type: string,
): Promise<boolean> {
  const check = CHECKS[type as FileSystem]
  if (!check) return false
  const [program, ...options] = check.command
  const ran = await host.run(program, [...options, deviceNode(host, device)], { deadline: DEADLINE_MS })
  if (ran.code === 0) return true
  const head = ran.code === null || ran.code > check.mostErrors ? null : await readHead(host, disk)
  if (head === null)
    throw new LunkeeperError(
      'MOUNT_FAILED',
      `whether ${type} on ${device} is complete cannot be determined: ${failureReason(ran)}`,
    )
  return check.isUsed(Buffer.from(head))
}

interface Check {
  readonly command: readonly [Program, ...string[]]
  /** The highest exit status that describes the file system rather than a failure of the program. */
  readonly mostErrors: number
  readonly isUsed: (head: Buffer) => boolean
}

const CHECKS: Readonly<Record<FileSystem, Check>> = {
  ext4: {
    command: ['fsck.ext4', '-n', '-f'],
    // 4: errors; 8: it cannot be opened, for example without its group descriptors; 16, 32, 128: e2fsck(8).
    mostErrors: 12,
    isUsed(head) {
      const mark = ext4Mark(head)
      return mark !== null && (mark.mounts > 0 || mark.mountedAt > 0)
    },
  },
  xfs: {
    command: ['xfs_repair', '-n'],
    // A log that has not been replayed is also an error here.
    mostErrors: 1,
    isUsed: (head) => head.readUInt32BE(0) === XFS_MAGIC && head[XFS_IN_PROGRESS] === 0,
  },
}
