import { basename } from 'node:path'

import { makeDirectory } from '../host/store/make-directory.ts'
import { watchDirectory } from '../host/store/watch-directory.ts'
import type { VolumeName } from '../model/name.ts'
import { isName } from '../model/name.ts'

/** Changes since the last call. */
export interface Changes {
  /** Volumes whose record changed. */
  readonly records: ReadonlySet<VolumeName>
  /** Volumes whose hold note changed. */
  readonly notes: ReadonlySet<VolumeName>
  /** A file changed, but the kernel does not report which one. */
  readonly unknown: boolean
}

/** Watches the directories of records and hold notes, to which commands write. */
export class ChangeWatcher implements Disposable {
  #records = new Set<VolumeName>()
  #notes = new Set<VolumeName>()
  #unknown = true
  readonly #changed: () => void
  readonly #watchers

  /** @param changed called at each change */
  constructor(directories: { readonly records: string; readonly notes: string }, changed: () => void) {
    this.#changed = changed
    this.#watchers = [
      this.#watch(directories.records, (name) => this.#records.add(name)),
      this.#watch(directories.notes, (name) => this.#notes.add(name)),
    ]
  }

  #watch(directory: string, note: (name: VolumeName) => void) {
    makeDirectory(directory)
    return watchDirectory(directory, (file) => {
      // A temporary file, which is renamed once it is complete (store/durable.ts).
      if (file?.startsWith('.')) return
      const name = file === null ? '' : basename(file, '.json')
      if (isName(name)) note(name)
      else this.#unknown = true
      this.#changed()
    })
  }

  take(): Changes {
    const changes = { records: this.#records, notes: this.#notes, unknown: this.#unknown }
    this.#records = new Set()
    this.#notes = new Set()
    this.#unknown = false
    return changes
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers) watcher[Symbol.dispose]()
  }
}
