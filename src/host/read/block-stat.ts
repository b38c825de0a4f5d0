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
  readonly bytesRead: number
  /** Including discards. */
  readonly bytesWritten: number
}

const SECTOR_BYTES = 512

/** Null if the device is gone. @param name sdX or dm-N */
export function readBlockStat({ sys }: HostPaths, name: string): BlockStat | null {
  const fields = (readAttribute(`${sys}/class/block/${name}/stat`) ?? '').trim().split(/\s+/).map(Number)
  const [reads, , sectorsRead, , writes, , sectorsWritten, , inFlight] = fields
  if (reads === undefined || sectorsRead === undefined || writes === undefined) return null
  if (sectorsWritten === undefined || inFlight === undefined) return null
  const [discards = 0, , sectorsDiscarded = 0] = fields.slice(11)
  return {
    completed: reads + writes + discards,
    inFlight,
    bytesRead: sectorsRead * SECTOR_BYTES,
    bytesWritten: (sectorsWritten + sectorsDiscarded) * SECTOR_BYTES,
  }
}
