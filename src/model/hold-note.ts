import type { DirtyData } from './bytes.ts'

/**
 * What the agent has recorded of a hold that continues, or that ended without a recovery. The note is kept under
 * /run and so lives as long as the map: an agent that replaces a killed one continues to count.
 */
export interface HoldNote {
  /** When the last path was lost, by the wall clock as it is set now. ISO 8601. */
  readonly since: string
  /** The same moment on this boot's monotonic clock, by which the hold counts; absent from notes of older versions. */
  readonly sinceMs?: number | undefined
  /**
   * Why held I/O was allowed to fail, or could not be held; null while it is held. `removed`: its disk was removed
   * from the node. `fenced`: another node owns the volume.
   */
  readonly ended: 'deadline' | 'give-up' | 'removed' | 'misplaced' | 'fenced' | null
  /** Why I/O does not resume although something answers: another volume, or a broken file system that is in use. */
  readonly trouble: string | null
  /**
   * The kind of trouble. `stranger`: another volume answers at the volume's place, but has received none of its
   * I/O. `misplaced`: another volume answered while I/O went through, so that the file system must not be written
   * out any more. `broken`: the file system must be remounted. `fenced`: the volume answers, but another node owns
   * it.
   */
  readonly kind?: 'stranger' | 'misplaced' | 'broken' | 'fenced' | undefined
  /** The node that owns a fenced volume; absent if it is not known. */
  readonly holder?: string | undefined
  /** The unwritten data of a fenced volume at the time when this node learned that it had lost the volume: that data is lost. */
  readonly discarded?: DirtyData | undefined
  /**
   * The file system (fsInstance of src/host/read/file-systems.ts) whose metadata may not have been written out. The
   * kernel reports such a loss only once, so the file system is doubted from before the kernel is asked until it is
   * mounted again.
   */
  readonly doubted?: string | undefined
  /** The misplaced or fenced volume is unmounted, and no process uses it. */
  readonly isClear?: boolean | undefined
  /**
   * When the session's timer or multipathd lets held I/O fail, by their settings at the start of the hold. ISO
   * 8601; null for never. Absent on a hold map, where the agent counts.
   */
  readonly deadline?: string | null | undefined
}

/**
 * Whether two notes belong to the same outage. Compares the monotonic start if both have it, because setting the
 * wall clock changes `since`.
 */
export function isSameOutage(a: HoldNote, b: HoldNote): boolean {
  if (a.sinceMs !== undefined && b.sinceMs !== undefined) return a.sinceMs === b.sinceMs
  return a.since === b.since
}
