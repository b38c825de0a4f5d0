import { setTimeout as sleep } from 'node:timers/promises'

import type { Host } from '../../host/host.ts'
import { readPaths } from '../../host/map/hold-map.ts'
import { isHoldMap, readMap } from '../../host/read/maps.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { BlockRef, DmMap } from '../../model/snapshot.ts'

/** How often the paths of the map are read; each time starts a program. */
const PATHS_INTERVAL_MS = 2_000
/** A path that has failed is tried again after seconds. */
const HELD_MS = 12_000

/** A path that fails again does so at once. */
const TRIAL_MS = 500
/** A program whose I/O fails ends at once; it keeps the device open until then. */
const END_MS = 5_000

export interface CarriedOptions {
  /** What a user does when it was stopped. */
  readonly hint: string
  /** Each time the map is seen without a path; a failure of it does not matter. */
  readonly reinstateFailedPaths?: () => Promise<void>
  /** Before it gives up. */
  readonly giveUp?: (map: DmMap) => Promise<void>
}

/**
 * Stops waiting for a program whose I/O a hold map holds: it would wait for as long as the hold lasts, and cannot be killed.
 * What it has under way stays in the kernel, and goes on once there is a path.
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
  const over = new AbortController()
  const done = work(over.signal)
  if (!map || !isHoldMap(map)) return done
  const ended = done.then(
    () => null,
    () => null,
  )
  // Paths that cannot be read are not known to have failed.
  const hasFailed = async () =>
    (await readPaths(host).catch(() => null))?.get(map.name)?.every(({ active }) => !active) ?? false
  const pause = (ms: number) => sleep(ms, undefined, { signal: over.signal })
  const isHeld = async (): Promise<LunkeeperError> => {
    for (let heldMs = 0; heldMs < HELD_MS;) {
      await pause(PATHS_INTERVAL_MS)
      heldMs = (await hasFailed()) ? heldMs + PATHS_INTERVAL_MS : 0
      if (heldMs === 0 || !reinstateFailedPaths) continue
      await reinstateFailedPaths().catch(() => {})
      if (heldMs < HELD_MS) continue
      await pause(TRIAL_MS)
      if (!(await hasFailed())) heldMs = 0
    }
    return new LunkeeperError('TARGET_AWAY', `${map.name} has no path: I/O is held`, { hint })
  }
  const held = isHeld()
  held.catch(() => {})
  try {
    // Stopped where the work ends first.
    const error = await Promise.race([ended, held])
    if (error === null) return await done
    if (giveUp) {
      await giveUp(map)
      await Promise.race([ended, sleep(END_MS, undefined, { signal: over.signal })])
    }
    throw error
  } finally {
    over.abort()
  }
}
