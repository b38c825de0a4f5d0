import type { FSWatcher } from 'node:fs'
import { watch } from 'node:fs'

import type { Host } from '../host.ts'

/**
 * Waits until `look` finds something. It is called whenever a node appears under /dev, which the kernel itself creates
 * (devtmpfs), and periodically in case that is not visible here (a container's /dev).
 * @returns null on timeout
 */
export async function whenAppears<T>(
  host: Host,
  look: () => T | null,
  deadline: number,
  signal?: AbortSignal,
): Promise<T | null> {
  const first = look()
  if (first !== null) return first
  const { promise, resolve } = Promise.withResolvers<T | null>()
  const again = () => {
    const found = look()
    if (found !== null) resolve(found)
  }
  const watcher = watchOrNot(host.paths.dev, again)
  const pulse = setInterval(again, 25)
  const timer = setTimeout(() => resolve(null), deadline)
  const cancel = () => resolve(null)
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    // It may have appeared between the first look and the watch.
    again()
    return await promise
  } finally {
    watcher?.close()
    clearInterval(pulse)
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
