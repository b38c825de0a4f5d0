/** The dirty pages of the node and their limits, in pages. */
export interface Unwritten {
  readonly pages: number
  /** Above this, every writer on the node blocks, whatever its disk (vm.dirty_ratio, vm.dirty_bytes). */
  readonly limit: number
  /** Above this the kernel starts writeback; it throttles writers above the midpoint of the two limits. */
  readonly background: number
  /** Free or reclaimable: page cache of files that are already on their disks. */
  readonly spare: number
}

/** The headroom is too small when it falls below this fraction of what it should be. */
const MIN_HEADROOM_FRACTION = 0.75
/**
 * Upper limit of the stuck pages that are assumed when their number is not known, whichever is larger: a multiple
 * of the usual limit, or a fraction of the memory. The total includes other writers, which must not raise the limit
 * again and again.
 */
const MAX_STUCK = { usual: 2, memory: 0.25 }
/** Held volumes get at most this part of the available memory. */
const MAX_MEMORY_FRACTION = 0.5
/** vm.dirty_ratio: 100 % would be no limit at all. */
const MAX_RATIO_PERCENT = 90

/**
 * The value of the setting that leaves other writers as much room beside stuck pages as there is between the two
 * limits without a hold. A writer of the held volume is then above the midpoint of the two limits, where the kernel
 * throttles it until it blocks. Other writers are below the upper limit, where they are not blocked
 * (mm/page-writeback.c:balance_dirty_pages, wb_position_ratio).
 * @param value the current value of the setting, in its own unit
 * @param was the value before it was raised
 * @param stuck pages that belong to held volumes, read only if needed; null if the kernel reports only the total
 * @returns null if no change is needed, or if no memory is available
 */
export function raisedDirtyLimit(
  { pages, limit, background, spare }: Unwritten,
  { setting, value, was }: { readonly setting: string; readonly value: number; readonly was: number },
  stuck: () => number | null,
): number | null {
  if (limit <= 0 || value <= 0) return null
  const usual = (limit * was) / value
  // If the lower limit is not below the upper one, the kernel uses half of it (domain_dirty_limits).
  const room = usual > background ? usual - background : usual / 2
  if (limit - pages >= room * MIN_HEADROOM_FRACTION) return null
  const most = Math.max(usual * MAX_STUCK.usual, (pages + spare) * MAX_STUCK.memory)
  const base = stuck() ?? Math.min(pages, most)
  const raised = Math.ceil((value * (base + Math.min(room, spare * MAX_MEMORY_FRACTION))) / limit)
  const wanted = setting === 'dirty_ratio' ? Math.min(raised, MAX_RATIO_PERCENT) : raised
  return wanted > value ? wanted : null
}
