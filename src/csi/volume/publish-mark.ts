import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import { removeDurable, writeDurable } from '../../host/store/durable.ts'

/**
 * A mark that a target path is mounted but not yet as requested: between a bind mount and its change to read-only. An
 * agent that is killed in between leaves the mark, and the next call mounts again.
 */
export function beginPublishing(host: Host, target: string): void {
  writeDurable(markOf(host, target), `${target}\n`)
}

export function endPublishing(host: Host, target: string): void {
  removeDurable(markOf(host, target))
}

export function isPublishing(host: Host, target: string): boolean {
  return existsSync(markOf(host, target))
}

function markOf(host: Host, target: string): string {
  const hash = createHash('sha256').update(target).digest('hex').slice(0, 32)
  return join(host.places.runtime, 'csi', `publishing-${hash}`)
}
