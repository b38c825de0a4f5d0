import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import { removeDurable, writeDurable } from '../../host/store/durable.ts'

/**
 * Marks a publication as incomplete: the target path is mounted, but possibly not yet read-only as requested. If the agent
 * is killed in between, the mark stays, and the next call replaces the mount.
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
