import { readFileSync } from 'node:fs'

import * as z from 'zod/mini'

import { writeDurable } from './durable.ts'

// Small JSON files that commands and the agent leave for each other, most of them under /run.

/**
 * Null if there is no such file, if it cannot be read, or if it is not such a note. Use this for notes whose
 * absence only makes a command do something once more. If a missing note and an unreadable one must be
 * distinguished, see {@link parseNote}.
 */
export function readNote<Note extends z.core.$ZodType>(path: string, schema: Note): z.output<Note> | null {
  try {
    return parseNote(readFileSync(path, 'utf8'), schema)
  } catch {
    return null
  }
}

/** Null if the text is not such a note. */
export function parseNote<Note extends z.core.$ZodType>(text: string, schema: Note): z.output<Note> | null {
  try {
    return z.parse(schema, JSON.parse(text))
  } catch {
    return null
  }
}

/** Replaces the note as a whole. @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE */
export function writeNote(path: string, note: object): void {
  writeDurable(path, `${JSON.stringify(note)}\n`)
}

/** ISO 8601, or any other time that JavaScript reads. Dates that are computed from it exist, too. */
export const timeText = z.string().check(z.refine(isPlausibleTime))

const YEAR_10000_MS = Date.UTC(10_000, 0)

/** Whether it is a time that a clock may have shown. */
export function isPlausibleTime(text: string): boolean {
  const ms = Date.parse(text)
  return ms >= 0 && ms < YEAR_10000_MS
}
