import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

import { clockStepSince, restamped } from '../../host/clock.ts'
import type { Host } from '../../host/host.ts'
import { removeDurable, writeDurable } from '../../host/store/durable.ts'
import type { Hold } from '../../model/hold.ts'
import type { VolumeName } from '../../model/name.ts'
import { isName } from '../../model/name.ts'

/**
 * What is known of a hold that goes on, or went wrong: kept under /run, as the map is, so that an agent
 * that was killed goes on counting where it stopped.
 */
export interface HoldNote {
  /** When the last path was lost, by the wall clock as it is set now. ISO 8601. */
  readonly since: string
  /** The same by this boot's monotonic clock, by which the hold counts; a note of an older version has none. */
  readonly sinceMs?: number | undefined
  /** Why the waiting I/O was let fail, or could not wait: somebody took the disk away; null while it waits. */
  readonly ended: 'deadline' | 'give-up' | 'removed' | 'misplaced' | 'fenced' | null
  /** Why it does not go on although something answers: another volume, a broken file system with users. */
  readonly trouble: string | null
  /**
   * What kind of trouble it is. `stranger`: another volume answers where the volume was, and has got none of its I/O.
   * `misplaced`: another volume answered while I/O went through, so that the file system must not be written out any
   * more. `broken`: the file system must be remounted.
   */
  readonly kind?: 'stranger' | 'misplaced' | 'broken' | 'fenced' | undefined
  /** Of a fenced volume: who has it; left out where that is not known. */
  readonly holder?: string | undefined
  /** Of a misplaced volume: it is unmounted and nobody uses it, so that it may be attached again. */
  readonly isClear?: boolean | undefined
  /**
   * When somebody else than the agent lets the waiting I/O fail: the session's timer, or multipathd, as they were
   * set when it began to wait. ISO 8601; null for never. Left out on a hold map: the agent counts, as is wanted.
   */
  readonly deadline?: string | null | undefined
}

/** When the waiting I/O fails; null for never. ISO 8601. */
export function deadlineOf({ since, deadline }: HoldNote, wanted: Hold): string | null {
  if (deadline !== undefined) return deadline
  return wanted === 'forever' ? null : new Date(Date.parse(since) + wanted * 1000).toISOString()
}

export function readHoldNote(host: Host, name: VolumeName): HoldNote | null {
  try {
    const note = JSON.parse(readFileSync(pathOf(host, name), 'utf8')) as HoldNote
    const { since, sinceMs, ended, trouble, kind, deadline, isClear, holder } = note
    if (Number.isNaN(Date.parse(since))) return null
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

/** @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE */
export function writeHoldNote(host: Host, name: VolumeName, note: HoldNote): void {
  writeDurable(pathOf(host, name), `${JSON.stringify(note)}\n`)
}

export function removeHoldNote(host: Host, name: VolumeName): void {
  removeDurable(pathOf(host, name))
}

/** Whether I/O of any volume waits. */
export function isAnyHolding(host: Host): boolean {
  return namesOf(host).some((name) => isHolding(host, name))
}

/** The volumes whose I/O waits. */
export function holdingNames(host: Host): VolumeName[] {
  return namesOf(host).filter((name) => isHolding(host, name))
}

/** Whether its I/O waits for its target now. */
export function isHolding(host: Host, name: VolumeName): boolean {
  return readHoldNote(host, name)?.ended === null
}

/** All notes that there are. */
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
