import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

import { clockStepSince, restamped } from '../../host/clock.ts'
import type { Host } from '../../host/host.ts'
import { removeDurable, writeDurable } from '../../host/store/durable.ts'
import type { HoldNote } from '../../model/hold-note.ts'
import type { VolumeName } from '../../model/name.ts'
import { isName } from '../../model/name.ts'

export function readHoldNote(host: Host, name: VolumeName): HoldNote | null {
  try {
    return parseHoldNote(readFileSync(pathOf(host, name), 'utf8'))
  } catch {
    return null
  }
}

/** Null if it is not a note. */
export function parseHoldNote(text: string): HoldNote | null {
  try {
    const note = JSON.parse(text) as HoldNote
    const { since, sinceMs, ended, trouble, kind, deadline, isClear, holder } = note
    if (!isTime(since) || !isText(trouble) || !isText(holder)) return null
    if (!isText(ended) || !isText(kind) || (isGiven(deadline) && !isTime(deadline))) return null
    if (sinceMs !== undefined && !Number.isFinite(sinceMs)) return null
    const step = sinceMs === undefined ? 0 : clockStepSince({ since, sinceMs })
    return {
      since: restamped(since, step),
      ...(sinceMs === undefined ? {} : { sinceMs }),
      ended: ended ?? null,
      trouble: trouble ?? null,
      ...(kind ? { kind } : {}),
      ...(isClear ? { isClear } : {}),
      ...(holder ? { holder } : {}),
      ...(deadline === undefined ? {} : { deadline: deadline && restamped(deadline, step) }),
    }
  } catch {
    return null
  }
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

/** Or missing. */
function isText(value: unknown): boolean {
  return !isGiven(value) || typeof value === 'string'
}

/** @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE */
export function writeHoldNote(host: Host, name: VolumeName, note: HoldNote): void {
  writeDurable(pathOf(host, name), `${JSON.stringify(note)}\n`)
}

export function removeHoldNote(host: Host, name: VolumeName): void {
  removeDurable(pathOf(host, name))
}

/** Whether I/O of any volume is held. */
export function isAnyHolding(host: Host): boolean {
  return namesOf(host).some((name) => isHolding(host, name))
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
  try {
    return readdirSync(holdNotes(host))
      .map((file) => basename(file, '.json'))
      .filter(isName)
  } catch {
    return []
  }
}

export function holdNotes(host: Host): string {
  return join(host.places.runtime, 'holds')
}

function pathOf(host: Host, name: VolumeName): string {
  return join(holdNotes(host), `${name}.json`)
}
