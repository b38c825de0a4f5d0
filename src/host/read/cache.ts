import type { HostPaths } from '../paths.ts'

/** Answers by what was read, for paths that remember. */
const memories = new WeakMap<HostPaths, Map<string, unknown>>()

/**
 * The same host, of which sessions, disks, maps and mounts are read once, when they are first asked for: for a diagnosis,
 * which looks at hundreds of volumes and judges one state of the node. Not for what acts on it: that reads again.
 */
export function withCache(paths: HostPaths): HostPaths {
  const copy = { ...paths }
  memories.set(copy, new Map())
  return copy
}

/** What `read` returns, from the first time on if the paths remember. */
export function cached<T>(paths: HostPaths, key: string, read: () => T): T {
  const memory = memories.get(paths)
  if (!memory) return read()
  if (!memory.has(key)) memory.set(key, read())
  return memory.get(key) as T
}

/** Whether a whole list is worth reading for one element: it will be asked for again. */
export function hasCache(paths: HostPaths): boolean {
  return memories.has(paths)
}
