import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../host.ts'

/** Percent of the node's dirty limit that one held volume may use. */
const SHARE = 10

/**
 * Limits the dirty pages of one volume, for the lifetime of its device: a held volume that uses the node's whole limit
 * blocks every writer of the node. The limit is strict since Linux 6.2 only (strict_limit); before, the kernel applies
 * it only when the node is near its own limit.
 * @param devno 254:0
 */
export function limitDirtyPages({ paths }: Host, devno: string): void {
  const bdi = join(paths.sys, 'class/bdi', devno)
  for (const [file, text] of [
    ['max_ratio', String(SHARE)],
    ['strict_limit', '1'],
  ] as const)
    try {
      writeFileSync(join(bdi, file), text, { flag: 'r+' })
    } catch {
      // Not in this kernel.
    }
}
