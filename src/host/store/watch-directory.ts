import { readdirSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'

/** Polling interval if the kernel does not report changes. */
const POLL_INTERVAL_MS = 500

/**
 * Reports changes of the files in a directory: by inotify, or by polling if the directory does not exist, or the node has no
 * inotify watches left, because containers use them up (fs.inotify.max_user_watches, max_user_instances).
 * @param changed called with the file's name; null if it is not known
 */
export function watchDirectory(directory: string, changed: (file: string | null) => void): Disposable {
  let poll: Disposable | null = null
  try {
    const watcher = watch(directory, (_, file) => changed(file)).on('error', () => {
      watcher.close()
      poll ??= pollDirectory(directory, changed)
    })
    return {
      [Symbol.dispose]() {
        watcher.close()
        poll?.[Symbol.dispose]()
      },
    }
  } catch {
    return pollDirectory(directory, changed)
  }
}

function pollDirectory(directory: string, changed: (file: string | null) => void): Disposable {
  let known = stampOf(directory)
  const timer = setInterval(() => {
    const now = stampOf(directory)
    if (now !== known) changed(null)
    known = now
  }, POLL_INTERVAL_MS).unref()
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
    },
  }
}

/** Files are replaced as a whole, by rename, so that each change shows in an inode number or a time. */
function stampOf(directory: string): string {
  try {
    return readdirSync(directory)
      .map((name) => {
        const { ino, mtimeMs } = statSync(join(directory, name))
        return `${name} ${ino} ${mtimeMs}`
      })
      .join('\n')
  } catch {
    return ''
  }
}
