import { mkdirSync } from 'node:fs'
import { basename } from 'node:path'

import { watchDirectory } from '../host/store/watch-directory.ts'
import type { VolumeName } from '../model/name.ts'
import { isName } from '../model/name.ts'

/** What has changed since it was last asked. */
export interface Rung {
  /** Whose record has. */
  readonly records: ReadonlySet<VolumeName>
  /** Whose hold note has. */
  readonly notes: ReadonlySet<VolumeName>
  /** Something has, and the kernel does not say what. */
  readonly unknown: boolean
}

/** Wakes the agent when a record or a note changes; else after a while. */
export class Bell implements Disposable {
  #records = new Set<VolumeName>()
  #notes = new Set<VolumeName>()
  #unknown = true
  #wake = () => {}
  readonly #watchers

  constructor(directories: { readonly records: string; readonly notes: string }, signal: AbortSignal) {
    this.#watchers = [
      this.#watch(directories.records, (name) => this.#records.add(name)),
      this.#watch(directories.notes, (name) => this.#notes.add(name)),
    ]
    signal.addEventListener('abort', () => this.wake(), { once: true })
  }

  #watch(directory: string, note: (name: VolumeName) => void) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const changed = (file: string | null) => {
      // A file that is not whole yet, on its way to its name (store/durable.ts).
      if (file?.startsWith('.')) return
      const name = file === null ? '' : basename(file, '.json')
      if (isName(name)) note(name)
      else this.#unknown = true
      this.wake()
    }
    return watchDirectory(directory, changed)
  }

  /** The next turn begins now. */
  wake(): void {
    this.#wake()
  }

  rung(): Rung {
    const rung = { records: this.#records, notes: this.#notes, unknown: this.#unknown }
    this.#records = new Set()
    this.#notes = new Set()
    this.#unknown = false
    return rung
  }

  get #isRinging(): boolean {
    return this.#unknown || this.#records.size > 0 || this.#notes.size > 0
  }

  async within(milliseconds: number): Promise<void> {
    if (this.#isRinging) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = setTimeout(resolve, milliseconds)
    await promise
    clearTimeout(timer)
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers) watcher[Symbol.dispose]()
  }
}
