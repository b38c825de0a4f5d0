import { isDeepStrictEqual } from 'node:util'

import type { Host } from '../host/host.ts'
import { isLunkeeperError } from '../model/errors.ts'
import type { HoldNote } from '../model/hold-note.ts'
import type { VolumeName } from '../model/name.ts'
import { readHoldNote, removeHoldNote, writeHoldNote } from '../state/records/hold-note.ts'
import type { AgentLog } from './log.ts'

/** The hold note of one volume, which commands also write. */
export class HoldNoteFile {
  readonly #host: Host
  readonly #name: VolumeName
  readonly #log: AgentLog
  readonly #changed: (before: HoldNote | null, after: HoldNote | null) => void
  /** The note as this agent wrote or read it last. */
  #known: HoldNote | null = null
  /** What could not be written because /run is full. This note counts until it can be written. */
  #unwritten: { readonly note: HoldNote | null } | null = null

  /** @param changed called for each note that is written, with the previous note, which a command may have written */
  constructor(
    host: Host,
    name: VolumeName,
    log: AgentLog,
    changed: (before: HoldNote | null, after: HoldNote | null) => void = () => {},
  ) {
    this.#host = host
    this.#name = name
    this.#log = log
    this.#changed = changed
  }

  read(): HoldNote | null {
    if (this.#unwritten === null) return (this.#known = readHoldNote(this.#host, this.#name))
    const { note } = this.#unwritten
    this.#put(note)
    return note
  }

  /** Writes the note. If /run is full, it is written later, and the agent continues without it. Never throws. */
  write(note: HoldNote | null): void {
    const before = this.#before()
    this.#put(note)
    this.#changed(before, note)
  }

  #before(): HoldNote | null {
    if (this.#unwritten) return this.#unwritten.note
    try {
      return readHoldNote(this.#host, this.#name)
    } catch {
      return this.#known
    }
  }

  #put(note: HoldNote | null): void {
    this.#known = note
    try {
      if (note) writeHoldNote(this.#host, this.#name, note)
      else removeHoldNote(this.#host, this.#name)
      this.#unwritten = null
    } catch (error) {
      this.#unwritten = { note }
      this.#log.once(this.#name, 'note', `cannot record the state of its hold: ${(error as Error).message}`)
    }
  }

  /** Whether a command has written the note since this agent last read it, or may have, because the note cannot be read now. */
  isChangedByOthers(): boolean {
    if (this.#unwritten !== null) return false
    try {
      return !isSame(readHoldNote(this.#host, this.#name), this.#known)
    } catch (error) {
      if (isLunkeeperError(error)) return true
      throw error
    }
  }
}

/** The wall-clock times in a note move when the clock is set. */
function isSame(a: HoldNote | null, b: HoldNote | null): boolean {
  if (a === null || b === null) return a === b
  const { since: _, deadline: __, ...one } = a
  const { since: ___, deadline: ____, ...other } = b
  return isDeepStrictEqual(one, other)
}
