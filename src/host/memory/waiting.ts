import type { HostPaths } from '../paths.ts'
import { readText } from '../read/attribute.ts'

/** Written by programs and not on its disk yet. I/O past the page cache is not in it: nothing counts that. */
export interface Waiting {
  readonly bytes: number
  /** `node`: only the sum of all disks is known, and the volume has that at most. */
  readonly of: 'volume' | 'node'
}

const KIB = 1024

/**
 * What waits in memory for a device: from the kernel's own count for it where debugfs is there
 * (mm/backing-dev.c:bdi_debug_stats_show), else from the node's. Neither blocks. In-flight counters of the
 * device say nothing: a request that a multipath map has put back is in none of them (seen on 6.1, 6.12).
 * @param devno 254:0
 */
export function readWaiting(paths: HostPaths, devno: string): Waiting | null {
  const own = sum(readText(`${paths.sys}/kernel/debug/bdi/${devno}/stats`), [
    'BdiWriteback',
    'BdiReclaimable',
  ])
  if (own !== null) return { bytes: own, of: 'volume' }
  const all = readNodeBytes(paths)
  return all === null ? null : { bytes: all, of: 'node' }
}

/** The same for all disks of the node. */
export function readNodeBytes({ proc }: HostPaths): number | null {
  return sum(readText(`${proc}/meminfo`), ['Dirty', 'Writeback'])
}

function sum(text: string | null, names: readonly string[]): number | null {
  const found = names.map((name) => text?.match(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm'))?.[1])
  return found.includes(undefined) ? null : found.reduce((all, kib) => all + Number(kib) * KIB, 0)
}
