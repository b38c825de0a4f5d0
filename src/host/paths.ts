import { join } from 'node:path'

/**
 * Where the host's trees are mounted. A plain value: a test points it at a directory of recorded files, a container at
 * its own /sys, /proc and /dev with the host's root elsewhere.
 */
export interface HostPaths {
  /** The host's root directory: /etc/iscsi and the like are below it. */
  readonly root: string
  readonly sys: string
  readonly proc: string
  readonly dev: string
  /** The directory in `proc` of a process in the host's own namespaces. */
  readonly self: string
  /** The host's mount table. */
  readonly mountinfo: string
}

/** The host whose trees are all below `root`. */
export function hostPaths(root = '/'): HostPaths {
  const proc = join(root, 'proc')
  // With another root we are not in the host's mount namespace; its first process is.
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
 * The host as seen from a container that has the host's root directory at `root`, and its own /dev and /sys with the
 * host's devices. Processes are also read below `root`, where they have the host's numbers.
 */
export function pathsFromContainer(root: string): HostPaths {
  return { ...hostPaths(root), sys: '/sys', dev: '/dev' }
}

/** A file of the host, as named by programs that run in the host's own mount namespace. */
export function asOnHost({ root }: HostPaths, path: string): string {
  return root !== '/' && path.startsWith(`${root}/`) ? path.slice(root.length) : path
}
