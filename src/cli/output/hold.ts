import type { VolumeStatus } from '../../model/attachment.ts'
import { formatDirtyData } from '../../model/bytes.ts'

/** Held data in memory, as far as it is known. */
export function formatWaiting({ waiting }: VolumeStatus['hold']): string {
  if (waiting === null) return '-'
  return formatDirtyData(waiting)
}

/** Whether I/O would fail earlier than requested. */
export function isShort({ wanted, effective }: VolumeStatus['hold']): boolean {
  if (effective === 'forever') return false
  return wanted === 'forever' || effective < wanted
}
