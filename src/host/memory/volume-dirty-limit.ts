import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../host.ts'

/** Percent of the node's dirty limit that one volume may use. */
const SHARE_PERCENT = 10

/**
 * Limits the dirty pages of one volume for the lifetime of its device, because a held volume that uses up the node's whole
 * limit blocks every process of the node that writes. The limit is strict since Linux 6.2 (strict_limit); older kernels apply
 * it only when the node is near its own limit.
 * @param devno 254:0
 */
export function limitDirtyPages({ paths }: Host, devno: string): void {
  const bdi = join(paths.sys, 'class/bdi', devno)
  for (const [file, text] of [
    ['max_ratio', String(SHARE_PERCENT)],
    ['strict_limit', '1'],
  ] as const)
    try {
      writeFileSync(join(bdi, file), text, { flag: 'r+' })
    } catch {
      // This kernel does not have the setting.
    }
}
