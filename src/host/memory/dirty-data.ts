import type { DirtyData } from '../../model/bytes.ts'
import type { HostPaths } from '../paths.ts'
import { readText } from '../read/attribute.ts'

const KIB = 1024

/**
 * The dirty data of a device: the kernel's count for the device if debugfs is mounted (mm/backing-dev.c:
 * bdi_debug_stats_show), otherwise the total of the node. Neither read blocks. I/O that bypasses the page cache is not
 * counted anywhere: a request that a multipath map has requeued is in none of the device's counters (seen on 6.1, 6.12).
 * @param devno 254:0
 */
export function readVolumeDirtyData(paths: HostPaths, devno: string): DirtyData | null {
  const own = readOwnDirtyBytes(paths, devno)
  if (own !== null) return { bytes: own, of: 'volume' }
  const all = readNodeDirtyBytes(paths)
  return all === null ? null : { bytes: all, of: 'node' }
}

/** The dirty data of one device; null without debugfs. @param devno 254:0 */
export function readOwnDirtyBytes({ sys }: HostPaths, devno: string): number | null {
  return sum(readText(`${sys}/kernel/debug/bdi/${devno}/stats`), ['BdiWriteback', 'BdiReclaimable'])
}

/** The dirty data of all devices of the node. */
export function readNodeDirtyBytes({ proc }: HostPaths): number | null {
  return sum(readText(`${proc}/meminfo`), ['Dirty', 'Writeback'])
}

function sum(text: string | null, names: readonly string[]): number | null {
  const found = names.map((name) => text?.match(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm'))?.[1])
  return found.includes(undefined) ? null : found.reduce((all, kib) => all + Number(kib) * KIB, 0)
}
