import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../host.ts'

/** Percent of the node's dirty limit that one held volume may fill. */
const SHARE = 10

/**
 * Bounds what may be unwritten on one volume, for as long as its device lives: a held one that takes all of
 * the node's dirty pages stops every writer of the node. The limit of its share is strict since Linux 6.2 only (strict_limit); before,
 * the kernel heeds it only when the node is near its own.
 * @param devno 254:0
 */
export function boundDirtyPages({ paths }: Host, devno: string): void {
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
