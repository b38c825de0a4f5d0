import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import type { DirtyLimit } from '../../host/memory/dirty-limit.ts'
import { removeDurable, writeDurable } from '../../host/store/durable.ts'

/** Records that the node's limit of dirty pages is raised. Written before the change, so that it is always undone. */
export interface RoomNote {
  readonly setting: DirtyLimit['setting']
  /** The administrator's value. */
  readonly was: number
  /** Values that we set: the last one, and the one before, because a crash may have been in between. */
  readonly ours: readonly number[]
}

export function readRoomNote(host: Host): RoomNote | null {
  try {
    const { setting, was, ours } = JSON.parse(readFileSync(pathOf(host), 'utf8')) as RoomNote
    const known = setting === 'dirty_bytes' || setting === 'dirty_ratio'
    return known && Number.isInteger(was) && Array.isArray(ours) ? { setting, was, ours } : null
  } catch {
    return null
  }
}

/** @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE */
export function writeRoomNote(host: Host, note: RoomNote): void {
  writeDurable(pathOf(host), `${JSON.stringify(note)}\n`)
}

export function removeRoomNote(host: Host): void {
  removeDurable(pathOf(host))
}

function pathOf(host: Host): string {
  return join(host.places.runtime, 'dirty-limit.json')
}
