import type { DirtyData } from './bytes.ts'

/**
 * What the agent has recorded of a hold that goes on, or that ended without a recovery. It is kept under /run, as the
 * map is, so that an agent that replaces a killed one goes on counting.
 */
export interface HoldNote {
  /** When the last path was lost, by the wall clock as it is set now. ISO 8601. */
  readonly since: string
  /** The same by this boot's monotonic clock, by which the hold counts; a note of an older version has none. */
  readonly sinceMs?: number | undefined
  /**
   * Why held I/O was let fail, or could not be held; null while it is held. `removed`: its disk was taken from the node.
   * `fenced`: another node owns the volume.
   */
  readonly ended: 'deadline' | 'give-up' | 'removed' | 'misplaced' | 'fenced' | null
  /** Why it does not go on although something answers: another volume, a broken file system with users. */
  readonly trouble: string | null
  /**
   * What kind of trouble it is. `stranger`: another volume answers where the volume was, and has got none of its I/O.
   * `misplaced`: another volume answered while I/O went through, so that the file system must not be written out any
   * more. `broken`: the file system must be remounted. `fenced`: the volume answers, and another node owns it.
   */
  readonly kind?: 'stranger' | 'misplaced' | 'broken' | 'fenced' | undefined
  /** The node that owns a fenced volume; absent if it is not known. */
  readonly holder?: string | undefined
  /** The unwritten data of a fenced volume when this node learned that it had lost it: that data is lost. */
  readonly discarded?: DirtyData | undefined
  /**
   * The file system (fsInstance of src/host/read/file-systems.ts) of which it is not known that its metadata was written out: the
   * kernel reports such a loss once only, so it is doubted from before it is asked until it is mounted again.
   */
  readonly doubted?: string | undefined
  /** The misplaced or fenced volume is unmounted, and no process uses it. */
  readonly isClear?: boolean | undefined
  /**
   * When the session's timer or multipathd lets held I/O fail, as they were set when the hold began. ISO 8601; null for
   * never. Left out on a hold map, where the agent counts.
   */
  readonly deadline?: string | null | undefined
}

/**
 * Whether two notes are of one outage. Compares the monotonic start if both have it, because setting the wall clock changes
 * `since`.
 */
export function isSameOutage(a: HoldNote, b: HoldNote): boolean {
  if (a.sinceMs !== undefined && b.sinceMs !== undefined) return a.sinceMs === b.sinceMs
  return a.since === b.since
}
