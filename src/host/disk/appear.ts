import type { FSWatcher } from 'node:fs'
import { watch } from 'node:fs'

import type { Host } from '../host.ts'

const POLL_INTERVAL_MS = 25

/**
 * Waits until `look` finds something. It is called whenever the kernel creates a node under /dev (devtmpfs), and
 * periodically, because a container may have a /dev of its own.
 * @param deadline milliseconds
 * @returns what was found; null at the deadline, or when the signal is aborted
 * @throws what `look` throws
 */
export async function whenAppears<T>(
  host: Host,
  look: () => T | null,
  deadline: number,
  signal?: AbortSignal,
): Promise<T | null> {
  const first = look()
  if (first !== null) return first
  const { promise, resolve, reject } = Promise.withResolvers<T | null>()
  const again = () => {
    try {
      const found = look()
      if (found !== null) resolve(found)
    } catch (error) {
      // Thrown in a timer, the error would end the process.
      reject(error)
    }
  }
  const watcher = watchOrNot(host.paths.dev, again)
  const poll = setInterval(again, POLL_INTERVAL_MS)
  const timer = setTimeout(() => resolve(null), deadline)
  const cancel = () => resolve(null)
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    // It may have appeared between the first look and the watch.
    again()
    return await promise
  } finally {
    watcher?.close()
    clearInterval(poll)
    clearTimeout(timer)
    signal?.removeEventListener('abort', cancel)
  }
}

/**
 * A node with many containers may have no inotify watches left (fs.inotify.max_user_watches); polling is then enough.
 */
function watchOrNot(directory: string, changed: () => void): FSWatcher | null {
  try {
    return watch(directory, changed).on('error', () => {})
  } catch {
    return null
  }
}
