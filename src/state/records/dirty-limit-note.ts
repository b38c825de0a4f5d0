import { join } from 'node:path'

import * as z from 'zod/mini'

import type { Host } from '../../host/host.ts'
import { removeDurable } from '../../host/store/durable.ts'
import { readNote, writeNote } from '../../host/store/json-note.ts'

const schema = z.object({
  setting: z.enum(['dirty_bytes', 'dirty_ratio']),
  /** The administrator's value. */
  was: z.int(),
  /** Values that we set: the last one and the previous one, because a crash may have come between them. */
  ours: z.array(z.number()),
})

/** Records that the node's limit of dirty pages is raised. Written before the change, so that it is always undone. */
export type DirtyLimitNote = Readonly<z.output<typeof schema>>

export function readDirtyLimitNote(host: Host): DirtyLimitNote | null {
  return readNote(pathOf(host), schema)
}

/** @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE */
export function writeDirtyLimitNote(host: Host, note: DirtyLimitNote): void {
  writeNote(pathOf(host), note)
}

export function removeDirtyLimitNote(host: Host): void {
  removeDurable(pathOf(host))
}

function pathOf(host: Host): string {
  return join(host.places.runtime, 'dirty-limit.json')
}
