import type { HostPaths } from '../paths.ts'

/** The cached values of each host that has a cache. */
const caches = new WeakMap<HostPaths, Map<string, unknown>>()

/**
 * The same host, but its sessions, disks, maps and mounts are read only once, when they are first needed. This is
 * for a diagnosis, which looks at hundreds of volumes and judges one state of the node. Do not use it in code that
 * changes the host, which must read again.
 */
export function withCache(paths: HostPaths): HostPaths {
  const copy = { ...paths }
  caches.set(copy, new Map())
  return copy
}

/** What `read` returns. If the host has a cache, `read` is called only the first time. */
export function cached<T>(paths: HostPaths, key: string, read: () => T): T {
  const cache = caches.get(paths)
  if (!cache) return read()
  if (!cache.has(key)) cache.set(key, read())
  return cache.get(key) as T
}

/** Whether the host has a cache. Then a whole list is worth reading for one element. */
export function hasCache(paths: HostPaths): boolean {
  return caches.has(paths)
}
