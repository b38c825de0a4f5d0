import { join } from 'node:path'

/**
 * Where the host's file trees are mounted. In a container /sys and /dev are its own, and the host's root is elsewhere; in
 * a test all are directories of recorded files.
 */
export interface HostPaths {
  /** The host's root directory, which contains etc/iscsi. */
  readonly root: string
  readonly sys: string
  readonly proc: string
  readonly dev: string
  /** The directory in `proc` of a process that is in the host's own namespaces. */
  readonly self: string
  /** The host's mount table. */
  readonly mountinfo: string
}

/** The host whose trees are all below `root`. */
export function hostPaths(root = '/'): HostPaths {
  const proc = join(root, 'proc')
  // With a different root, this process is not in the host's mount namespace, but the host's first process is.
  const self = join(proc, root === '/' ? 'self' : '1')
  return {
    root,
    sys: join(root, 'sys'),
    proc,
    dev: join(root, 'dev'),
    self,
    mountinfo: join(self, 'mountinfo'),
  }
}

/**
 * The host as seen from a container that has the host's root directory at `root`, and the host's devices in its own /dev
 * and /sys. Processes are read below `root`, where they have the host's process numbers.
 */
export function pathsFromContainer(root: string): HostPaths {
  return { ...hostPaths(root), sys: '/sys', dev: '/dev' }
}

/** The path of a file as programs in the host's own mount namespace see it. */
export function asOnHost({ root }: HostPaths, path: string): string {
  return root !== '/' && path.startsWith(`${root}/`) ? path.slice(root.length) : path
}
