/** What of the node's memory is written and not yet on a disk, and what bounds it; in pages. */
export interface Unwritten {
  readonly pages: number
  /** At this much whoever writes waits, to whatever disk (vm.dirty_ratio, vm.dirty_bytes). */
  readonly limit: number
  /** From this on the kernel writes by itself; it slows writers down from the middle of the two on. */
  readonly background: number
  /** Free, or free for the taking: what the page cache keeps of files that are on their disks. */
  readonly spare: number
}

/** Less than this part of the room that there should be is too little. */
const TIGHT = 0.75
/**
 * So much at most is taken for stuck where it is not known, whichever is more: times the usual limit, or
 * part of the memory. Other writers are in the sum, too, and must not raise the limit on and on.
 */
const MOST = { usual: 2, memory: 0.25 }
/** Of the memory that is to be had, held volumes take this part at most. */
const SHARE = 0.5
/** vm.dirty_ratio: a limit of all memory would be none. */
const MOST_PERCENT = 90

/**
 * What the setting behind the limit has to be so that others have room to write beside what is stuck: as
 * much as is between the two limits without a hold. Then a writer of the held volume is above the middle
 * of the two, where the kernel slows it down until it stands, and the others below the upper one, where
 * it does not stop them (mm/page-writeback.c:balance_dirty_pages, wb_position_ratio).
 * @param value of the setting now, in its own unit
 * @param was the same before anybody raised it
 * @param stuck what of the pages belongs to volumes that wait, asked for only where it matters; null
 *   where the kernel tells only the sum
 * @returns null where it is well as it is, or there is no memory to be had
 */
export function roomierLimit(
  { pages, limit, background, spare }: Unwritten,
  { setting, value, was }: { readonly setting: string; readonly value: number; readonly was: number },
  stuck: () => number | null,
): number | null {
  if (limit <= 0 || value <= 0) return null
  const usual = (limit * was) / value
  // Where the lower limit is not below the upper one, the kernel takes half (domain_dirty_limits).
  const room = usual > background ? usual - background : usual / 2
  if (limit - pages >= room * TIGHT) return null
  const most = Math.max(usual * MOST.usual, (pages + spare) * MOST.memory)
  const base = stuck() ?? Math.min(pages, most)
  const raised = Math.ceil((value * (base + Math.min(room, spare * SHARE))) / limit)
  const wanted = setting === 'dirty_ratio' ? Math.min(raised, MOST_PERCENT) : raised
  return wanted > value ? wanted : null
}
