import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Host } from '../host/host.ts'
import { watchDirectory } from '../host/store/watch-directory.ts'
import type { VolumeStatus } from '../model/attachment.ts'
import { holdNotes } from '../state/records/hold-note.ts'
import { listVolumes } from '../state/view/list.ts'

/** Changes within this time are read together: a hundred volumes that are lost at once produce a hundred notes. */
const TOGETHER_MS = 100
/**
 * How often everything is read even if none of our files changed, because state changes of sessions and disks do
 * not change our files. Reads are more frequent during an outage, because the amount of unwritten data changes.
 */
const LOOK_INTERVAL_MS = 2_000
const OUTAGE_LOOK_INTERVAL_MS = 1_000

export interface VolumesLook {
  readonly volumes: readonly VolumeStatus[]
  /** One reason for each record that cannot be parsed. */
  readonly corrupt: readonly string[]
}

/**
 * Follows the volumes of this node for a reader that displays them: reads them at once, after each change of a
 * record or a hold note (inotify), and every few seconds.
 * @param told called after each look, whether or not it differs from the last one; the look waits for it to end
 * @returns when the signal is aborted
 */
export async function observeVolumes(
  host: Host,
  told: (look: VolumesLook) => void | Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let isChanged = false
  let wake = () => {}
  const changed = (file: string | null) => {
    // A temporary file, which is renamed once it is complete (store/durable.ts).
    if (file?.startsWith('.')) return
    isChanged = true
    wake()
  }
  const stop = () => wake()
  signal.addEventListener('abort', stop)
  const directories = [join(host.places.records, 'volumes'), holdNotes(host)]
  // Only looking makes no directory: one that does not exist yet is polled.
  const watchers = directories.map((directory) => watchDirectory(directory, changed))
  try {
    while (!signal.aborted) {
      isChanged = false
      const { volumes, corrupt } = await listVolumes(host)
      if (signal.aborted) return
      await told({ volumes, corrupt: corrupt.map(({ reason }) => reason) })
      const isOutage = volumes.some(({ state }) => state === 'holding')
      await pause(isOutage ? OUTAGE_LOOK_INTERVAL_MS : LOOK_INTERVAL_MS)
      if (isChanged) await sleep(TOGETHER_MS, undefined, { signal }).catch(() => {})
    }
  } finally {
    signal.removeEventListener('abort', stop)
    for (const watcher of watchers) watcher[Symbol.dispose]()
  }

  async function pause(ms: number): Promise<void> {
    if (isChanged || signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    wake = resolve
    await promise
    clearTimeout(timer)
  }
}
