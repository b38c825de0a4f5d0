import type { VolumeStatus } from '../../model/attachment.ts'
import { formatDirtyData } from '../../model/bytes.ts'

/** The amount of data that is not on the target yet; `-` if it is not known. */
export function formatUnwritten({ waiting }: VolumeStatus['hold']): string {
  return waiting === null ? '-' : formatDirtyData(waiting)
}
