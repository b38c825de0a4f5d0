import type { Host } from '../../host/host.ts'
import { readKernelUse } from '../../host/read/disk-use.ts'
import { isFsAlive } from '../../host/read/file-systems.ts'
import { readMounts } from '../../host/read/mounts.ts'
import type { Attachment } from '../../model/attachment.ts'
import { asAsked } from '../../model/attachment.ts'
import { isSameVolume } from '../../model/identity.ts'
import type { ScsiDisk, Session } from '../../model/snapshot.ts'
import { readRecords } from '../../state/records/volumes.ts'

/** What is known about the use of a disk, besides who has it open. */
export interface DiskUse {
  readonly state: string
  readonly holders: readonly string[]
  readonly mounts: readonly string[]
  readonly hasLiveFs: boolean
  /** Set if the kernel has it open without claiming it, or may have. */
  readonly kernel: string | null
  /** The table that names it. */
  readonly table: string | null
  /** The volume whose record is for this LUN, or for this identity. */
  readonly volume: string | null
  /** A record cannot be read, and may be for this disk. */
  readonly isRecordUnread: boolean
}

/** Why a disk must stay, as far as can be determined without opening it; null if there is no reason. */
export function whyKept(use: DiskUse): string | null {
  if (use.volume !== null) return `it belongs to the volume ${use.volume}`
  if (use.isRecordUnread) return 'a record cannot be read, and may be for it'
  if (use.holders.length > 0) return `it is used by ${use.holders.join(', ')}`
  if (use.mounts.length > 0) return `it is mounted at ${use.mounts.join(', ')}`
  if (use.hasLiveFs) return 'a file system on it is alive in the kernel'
  if (use.kernel !== null) return use.kernel
  if (use.table !== null) return `${use.table} names it`
  if (use.state !== 'running') return `it is ${use.state}: it cannot be determined whether it is in use`
  return null
}

/** Disks that tables of the administrator name (host/read/disk-use.ts). */
export type Tables = ReadonlyMap<string, string>

/** Reads the use from the kernel and the records, now. */
export function readDiskUse(
  host: Host,
  session: Pick<Session, 'iqn'>,
  disk: ScsiDisk,
  tables: Tables,
): DiskUse {
  const names = [disk.name, ...disk.partitions.map(({ name }) => name)].filter((name) => name !== null)
  const devnos = new Set([disk.devno, ...disk.partitions.map(({ devno }) => devno)])
  const kernel = readKernelUse(host.paths)
  const { attachments, corrupt } = readRecords(host)
  return {
    state: disk.state,
    holders: disk.holders,
    mounts: readMounts(host.paths)
      .filter(({ devno }) => devnos.has(devno))
      .map(({ point }) => point),
    hasLiveFs: names.some((name) => isFsAlive(host.paths, name)),
    kernel: [...devnos].some((devno) => devno !== null && kernel.devnos.has(devno))
      ? 'a loop device or an NVMe target of this node uses it'
      : kernel.unknown.length > 0
        ? `it may be ${kernel.unknown[0]}, which a loop device or an NVMe target uses`
        : null,
    table: names.flatMap((name) => tables.get(name) ?? [])[0] ?? null,
    volume: attachments.find((record) => isOf(record, session.iqn, disk))?.name ?? null,
    isRecordUnread: corrupt.length > 0,
  }
}

/**
 * Whether the record is of this disk: by target and LUN, by the LUN that was first requested, or by identity
 * (another path, another number).
 */
function isOf(record: Attachment, iqn: string, disk: ScsiDisk): boolean {
  const { request, identity } = record
  const isAtPlace =
    request.iqn === iqn && (request.lun === disk.hctl.lun || asAsked(record).lun === disk.hctl.lun)
  return isAtPlace || (identity !== null && isSameVolume(disk.cached, identity))
}
