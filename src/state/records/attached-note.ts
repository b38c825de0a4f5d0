import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import { listNames } from '../../host/read/attribute.ts'
import { removeDurable } from '../../host/store/durable.ts'
import { writeNote } from '../../host/store/json-note.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { VolumeName } from '../../model/name.ts'
import { readRecords } from './volumes.ts'

// Which volumes were attached completely since the boot. What is missing of such a volume was taken away by a user or a failure;
// of the others, an attach was killed, or has not begun.

/** Without the note, the next agent attaches the volume once more, which changes nothing. */
export function noteAttached(host: Host, name: VolumeName): void {
  try {
    if (!wasAttached(host, name)) writeNote(pathOf(host, name), {})
  } catch (error) {
    if (!isLunkeeperError(error)) throw error
  }
}

export function wasAttached(host: Host, name: VolumeName): boolean {
  return existsSync(pathOf(host, name))
}

/** @throws RECORD_UNWRITABLE */
export function forgetAttached(host: Host, name: VolumeName): void {
  removeDurable(pathOf(host, name))
}

/** Removes the notes of volumes whose records were lost or are corrupt. A note that cannot be removed stays. */
export function dropStaleAttached(host: Host): void {
  const known = new Set(readRecords(host).attachments.map(({ name }) => `${name}.json`))
  for (const file of listNames(directoryOf(host))) {
    if (file.startsWith('.') || known.has(file)) continue
    try {
      rmSync(join(directoryOf(host), file), { force: true })
    } catch {
      // It only keeps an agent from mounting what it does not find mounted.
    }
  }
}

function pathOf(host: Host, name: VolumeName): string {
  return join(directoryOf(host), `${name}.json`)
}

function directoryOf(host: Host): string {
  return join(host.places.runtime, 'attached')
}
