import type { HostPaths } from '../paths.ts'
import { readAttribute } from './attribute.ts'

/**
 * I/O of a block device since it was created (Documentation/block/stat.rst). SCSI commands through sg are not included.
 */
export interface BlockStat {
  /** Completed requests, including those that ended with an error that was passed on. */
  readonly completed: number
  /** Requests in progress or queued. */
  readonly inFlight: number
  /** SYNCHRONIZE CACHE, which moves no bytes and may confirm some. */
  readonly flushes: number
  readonly bytesRead: number
  /** Including discards. */
  readonly bytesWritten: number
}

const SECTOR_BYTES = 512

/** Requests that write, in progress (Documentation/ABI/stable/sysfs-block: inflight); null if the device is gone. */
export function writesInFlight({ sys }: HostPaths, name: string): number | null {
  const [, writes] = (readAttribute(`${sys}/class/block/${name}/inflight`) ?? '').trim().split(/\s+/)
  return writes === undefined ? null : Number(writes)
}

/** Whether the kernel counts the device's I/O: an administrator may have switched that off. */
export function isCounted({ sys }: HostPaths, name: string): boolean {
  return readAttribute(`${sys}/class/block/${name}/queue/iostats`) === '1'
}

/** Distinguishes devices that had one name after another; null before Linux 5.15. */
export function diskSequence({ sys }: HostPaths, name: string): string | null {
  return readAttribute(`${sys}/class/block/${name}/diskseq`)
}

/** Null if the device is gone. @param name sdX or dm-N */
export function readBlockStat({ sys }: HostPaths, name: string): BlockStat | null {
  const fields = (readAttribute(`${sys}/class/block/${name}/stat`) ?? '').trim().split(/\s+/).map(Number)
  const [reads, , sectorsRead, , writes, , sectorsWritten, , inFlight] = fields
  if (reads === undefined || sectorsRead === undefined || writes === undefined) return null
  if (sectorsWritten === undefined || inFlight === undefined) return null
  const [discards = 0, , sectorsDiscarded = 0, , flushes = 0] = fields.slice(11)
  return {
    completed: reads + writes + discards,
    inFlight,
    flushes,
    bytesRead: sectorsRead * SECTOR_BYTES,
    bytesWritten: (sectorsWritten + sectorsDiscarded) * SECTOR_BYTES,
  }
}
