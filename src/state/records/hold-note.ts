import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

import * as z from 'zod/mini'
import { catch as withDefault } from 'zod/mini'

import { clockStepSince, restamped } from '../../host/clock.ts'
import type { Host } from '../../host/host.ts'
import { listNames } from '../../host/read/attribute.ts'
import { removeDurable } from '../../host/store/durable.ts'
import { parseNote, timeText, writeNote } from '../../host/store/json-note.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { HoldNote } from '../../model/hold-note.ts'
import type { VolumeName } from '../../model/name.ts'
import { isName } from '../../model/name.ts'

/** A word that a newer version may have written. It is kept unchanged: a note that is not understood must not count as missing. */
const word = <Word>() => z.custom<Word>((value) => typeof value === 'string')
const text = z.nullish(z.string())

const written = z.object({
  since: timeText,
  sinceMs: z.optional(z.number()),
  ended: z.nullish(word<NonNullable<HoldNote['ended']>>()),
  trouble: text,
  kind: z.nullish(word<NonNullable<HoldNote['kind']>>()),
  deadline: z.nullish(timeText),
  isClear: withDefault(z.nullish(z.boolean()), undefined),
  holder: text,
  doubted: text,
  discarded: withDefault(
    z.nullish(z.object({ bytes: z.number(), of: z.enum(['volume', 'node']) })),
    undefined,
  ),
})
/** With a time that no clock shows, the text is not a note. */
const schema = z.pipe(written, z.transform(asRead))

/**
 * Null if there is none. A note that cannot be read may forbid writing anything of the volume, so it does not count
 * as missing.
 * @throws RECORD_UNWRITABLE NO_PERMISSION it cannot be read now
 */
export function readHoldNote(host: Host, name: VolumeName): HoldNote | null {
  const text = unlessMissing(name, () => readFileSync(pathOf(host, name), 'utf8'))
  return text === null ? null : parseHoldNote(text)
}

function unlessMissing<T>(what: string, read: () => T): T | null {
  try {
    return read()
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new LunkeeperError(
      code === 'EACCES' ? 'NO_PERMISSION' : 'RECORD_UNWRITABLE',
      `the note of the hold of ${what} cannot be read: ${message}`,
      { cause, hint: 'Check the directory holds below the runtime directory (default: /run/lunkeeper).' },
    )
  }
}

/** Null if it is not a note. */
export function parseHoldNote(text: string): HoldNote | null {
  return parseNote(text, schema)
}

/** The note with its times by the wall clock as it is set now. @throws RangeError */
function asRead(note: z.output<typeof written>): HoldNote {
  const { since, sinceMs, ended = null, trouble = null, kind, doubted, isClear, holder, discarded } = note
  const step = sinceMs === undefined ? 0 : clockStepSince({ since, sinceMs })
  return {
    since: restamped(since, step),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ended,
    trouble,
    ...(kind ? { kind } : {}),
    ...(doubted ? { doubted } : {}),
    ...(isClear ? { isClear } : {}),
    ...(holder ? { holder } : {}),
    ...(discarded ? { discarded } : {}),
    ...(note.deadline === undefined ? {} : { deadline: note.deadline && restamped(note.deadline, step) }),
  }
}

/** @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE */
export function writeHoldNote(host: Host, name: VolumeName, note: HoldNote): void {
  if (note.kind === 'fenced') keepFenced(host, name, note)
  writeNote(pathOf(host, name), note)
  if (note.kind !== 'fenced') forgetFenced(host, name)
}

/** @throws RECORD_UNWRITABLE */
export function removeHoldNote(host: Host, name: VolumeName): void {
  forgetFenced(host, name)
  removeDurable(pathOf(host, name))
}

/** The volume is this node's again. @throws RECORD_UNWRITABLE */
export function forgetFenced(host: Host, name: VolumeName): void {
  removeDurable(fencedPathOf(host, name))
}

/**
 * A copy beside the records, because notes do not survive a reboot, and nothing else may show the loss afterwards: a raw device has
 * no mark, and the other node may have given the volume back.
 */
function keepFenced(host: Host, name: VolumeName, { since, trouble, holder, discarded }: HoldNote): void {
  try {
    writeNote(fencedPathOf(host, name), {
      since,
      ended: 'fenced',
      kind: 'fenced',
      trouble,
      holder,
      discarded,
    })
  } catch (error) {
    // The volume is fenced nevertheless, until the next boot.
    if (!isLunkeeperError(error)) throw error
  }
}

/** The volumes that were fenced when their notes were last written, also before a reboot. */
export function fencedNames(host: Host): VolumeName[] {
  return listNames(fencedNotes(host)).flatMap((file) => {
    const name = basename(file, '.json')
    return file === `${name}.json` && isName(name) ? [name] : []
  })
}

/**
 * The copy of the note of a fenced volume; null if there is none any more. If it cannot be read, its existence is all that is known:
 * the volume is fenced.
 */
export function readFencedNote(host: Host, name: VolumeName): HoldNote | null {
  let text = ''
  try {
    text = readFileSync(fencedPathOf(host, name), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
  }
  return (
    parseHoldNote(text) ?? {
      since: new Date().toISOString(),
      ended: 'fenced',
      kind: 'fenced',
      trouble: 'another node has it; the details could not be read',
    }
  )
}

/** Whether I/O of any volume is held, as far as can be determined: if a note cannot be read, I/O may be held. */
export function isAnyHolding(host: Host): boolean {
  try {
    return namesOf(host).some((name) => isHolding(host, name))
  } catch (error) {
    if (isLunkeeperError(error)) return true
    throw error
  }
}

/** The volumes whose I/O is held. */
export function holdingNames(host: Host): VolumeName[] {
  return namesOf(host).filter((name) => isHolding(host, name))
}

/** Whether its I/O is held now. */
export function isHolding(host: Host, name: VolumeName): boolean {
  return readHoldNote(host, name)?.ended === null
}

/** All notes. */
export function readHoldNotes(host: Host): Map<VolumeName, HoldNote> {
  return new Map(
    namesOf(host).flatMap((name) => {
      const note = readHoldNote(host, name)
      return note ? [[name, note] as const] : []
    }),
  )
}

function namesOf(host: Host): VolumeName[] {
  const files = unlessMissing('all volumes', () => readdirSync(holdNotes(host))) ?? []
  return files.map((file) => basename(file, '.json')).filter(isName)
}

export function holdNotes(host: Host): string {
  return join(host.places.runtime, 'holds')
}

function fencedNotes(host: Host): string {
  return join(host.places.records, 'fenced')
}

function fencedPathOf(host: Host, name: VolumeName): string {
  return join(fencedNotes(host), `${name}.json`)
}

function pathOf(host: Host, name: VolumeName): string {
  return join(holdNotes(host), `${name}.json`)
}
