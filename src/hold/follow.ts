import type { Host } from '../host/host.ts'
import { makeDirectory } from '../host/store/make-directory.ts'
import { watchDirectory } from '../host/store/watch-directory.ts'
import { isLunkeeperError } from '../model/errors.ts'
import type { VolumeName } from '../model/name.ts'
import type { HoldNote } from '../model/hold-note.ts'
import { holdNotes, readHoldNotes } from '../state/records/hold-note.ts'

/** Milliseconds within which changes are read together. */
const BATCH_MS = 50

/** The hold note of a volume before and after a change; null if there is none. A different `since` means a different outage. */
export interface HoldChange {
  readonly name: VolumeName
  readonly before: HoldNote | null
  readonly after: HoldNote | null
}

/**
 * Reports each change of this node's holds, based on the agent's notes: a note exists from the loss of the last
 * path until the volume is usable again. The initial state is not a change.
 */
export function followHolds(host: Host, told: (change: HoldChange) => void): Disposable {
  const directory = holdNotes(host)
  makeDirectory(directory)
  let known = notesOr(host, new Map())

  function compare(): void {
    const before = known
    const now = notesOr(host, before)
    known = now
    for (const name of new Set([...before.keys(), ...now.keys()])) {
      const change = { name, before: before.get(name) ?? null, after: now.get(name) ?? null }
      if (JSON.stringify(change.before) !== JSON.stringify(change.after)) told(change)
    }
  }

  // A hundred volumes that are lost at once produce a hundred notes: they are read together.
  let soon: NodeJS.Timeout | undefined
  const later = () => {
    soon ??= setTimeout(() => {
      soon = undefined
      compare()
    }, BATCH_MS)
  }
  const watcher = watchDirectory(directory, later)
  return {
    [Symbol.dispose]() {
      watcher[Symbol.dispose]()
      clearTimeout(soon)
    },
  }
}

/** If the notes cannot be read now, they count as unchanged: the next change is compared with the previous ones. */
function notesOr(host: Host, before: ReadonlyMap<VolumeName, HoldNote>): ReadonlyMap<VolumeName, HoldNote> {
  try {
    return readHoldNotes(host)
  } catch (error) {
    if (isLunkeeperError(error)) return before
    throw error
  }
}
