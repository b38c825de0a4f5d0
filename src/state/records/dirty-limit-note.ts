import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import type { DirtyLimit } from '../../host/memory/dirty-limit.ts'
import { removeDurable, writeDurable } from '../../host/store/durable.ts'

/** That the node's limit of unwritten memory is raised: noted before it is, so that it is taken back. */
export interface RoomNote {
  readonly setting: DirtyLimit['setting']
  /** The administrator's value. */
  readonly was: number
  /** Values of ours: the last one, and the one before, as a crash may have been in between. */
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
