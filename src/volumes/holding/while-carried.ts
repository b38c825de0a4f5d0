import { setTimeout as sleep } from 'node:timers/promises'

import type { Host } from '../../host/host.ts'
import { readPaths } from '../../host/map/hold-map.ts'
import { isHoldMap, readMap } from '../../host/read/maps.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { BlockRef, DmMap } from '../../model/snapshot.ts'
import { stoppable } from './stoppable.ts'

/** How often the paths of the map are read; each reading starts a program. */
const PATHS_INTERVAL_MS = 2_000
/** Longer than it takes to retry a failed path, which is seconds. */
const HELD_MS = 12_000

/** A path that fails again fails at once. */
const TRIAL_MS = 500

export interface CarriedOptions {
  /** What the user can do if the wait was stopped. */
  readonly hint: string
  /** Called each time the map is seen without a path; its failure does not matter. */
  readonly reinstateFailedPaths?: (over: AbortSignal) => Promise<void>
  /** Called before giving up. */
  readonly giveUp?: (map: DmMap) => Promise<void>
}

/**
 * Stops waiting for a program whose I/O a hold map holds: the program would wait for as long as the hold lasts, and
 * cannot be killed. Its pending I/O stays in the kernel, and resumes once there is a path.
 * @param work its wait ends with the signal
 * @throws TARGET_AWAY the hold map has had no path for a while · as the work
 */
export async function whileCarried<T>(
  host: Host,
  device: BlockRef,
  { hint, reinstateFailedPaths, giveUp }: CarriedOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const map = readMap(host.paths, device.name)
  if (!map || !isHoldMap(map)) return work(new AbortController().signal)
  // If the paths cannot be read, they are not known to have failed.
  const hasFailed = async () =>
    (await readPaths(host).catch(() => null))?.get(map.name)?.every(({ active }) => !active) ?? false
  const tries: Promise<void>[] = []
  const watch = async (over: AbortSignal): Promise<LunkeeperError> => {
    const pause = (ms: number) => sleep(ms, undefined, { signal: over })
    for (let heldSinceMs: number | null = null; ;) {
      await pause(PATHS_INTERVAL_MS)
      const nowMs = performance.now()
      heldSinceMs = (await hasFailed()) ? (heldSinceMs ?? nowMs - PATHS_INTERVAL_MS) : null
      if (heldSinceMs === null) continue
      const isLast = nowMs - heldSinceMs >= HELD_MS
      if (reinstateFailedPaths) {
        tries.push(reinstateFailedPaths(over).catch(() => {}))
        await tries.at(-1)
        if (!isLast) continue
        await pause(TRIAL_MS)
        if (!(await hasFailed())) heldSinceMs = null
      }
      if (isLast && heldSinceMs !== null) break
    }
    return new LunkeeperError('TARGET_AWAY', `${map.name} has no path: I/O is held`, { hint })
  }
  try {
    return await stoppable(work, { watch, stop: giveUp && (() => giveUp(map)) })
  } finally {
    // What it has begun belongs to this operation, and ends before it.
    await tries.at(-1)
  }
}
