import { join } from 'node:path'

import { monotonicMs } from '../../host/clock.ts'
import type { Host } from '../../host/host.ts'
import { readAttribute } from '../../host/read/attribute.ts'
import { readEvents } from '../../host/store/event-log.ts'
import { isPlausibleTime } from '../../host/store/json-note.ts'
import type { Actor, Happening, HappeningName, HistoryEvent, RecordedMoment } from '../../model/history.ts'
import { HAPPENING_NAMES } from '../../model/history.ts'
import { hasFieldsOf } from './happening-fields.ts'

/** Where the history is kept; it survives reboots and upgrades. */
export function historyDirectory(host: Host): string {
  return join(host.places.records, 'history')
}

/**
 * Records what a user did, or a program on a user's behalf. Never fails and never waits: a full or broken disk
 * costs the event, not the operation.
 */
export function recordAct(host: Host, volume: string | null, happening: Happening): void {
  record(host, volume, host.actor, happening)
}

/** Records what was observed. Like {@link recordAct}. */
export function recordSeen(host: Host, volume: string | null, happening: Happening): void {
  record(host, volume, null, happening)
}

function record(host: Host, volume: string | null, by: Actor | null, happening: Happening): void {
  const event: HistoryEvent = { ...recordedNow(host), volume, by, ...happening }
  host.history.append(event)
}

/** The present moment, as recorded in events. */
export function recordedNow({ paths }: Host): RecordedMoment {
  const boot = readAttribute(join(paths.proc, 'sys/kernel/random/boot_id'))?.slice(0, 8) ?? null
  return { at: new Date().toISOString(), boot, ms: monotonicMs() }
}

export interface History {
  /** Oldest first. */
  readonly events: readonly HistoryEvent[]
  /** Lines that are not an event. Events of a newer version have unknown names; they are skipped, and do not count. */
  readonly unreadable: number
}

/** Which part of the history to read. */
export interface SoughtEvents {
  /** Only events of this volume. @default all */
  readonly volume?: string | null
  /** Only events of this name. @default all */
  readonly event?: HappeningName
}

/** @throws NO_PERMISSION RECORD_UNWRITABLE the history cannot be read */
export function readHistory(host: Host, { volume = null, event: name }: SoughtEvents = {}): History {
  // Of 16,000 lines, only those that may match are parsed.
  const part =
    volume !== null
      ? `"volume":${JSON.stringify(volume)}`
      : name === undefined
        ? ''
        : `"event":${JSON.stringify(name)}`
  const read = readEvents(historyDirectory(host), part)
  const known = read.events.filter(({ event }) => !isOfNewerVersion(event))
  const all = known.flatMap((event) => asEvent(event) ?? [])
  return {
    events: all.filter(
      (one) => (volume === null || one.volume === volume) && (name === undefined || one.event === name),
    ),
    unreadable: read.unreadable + known.length - all.length,
  }
}

const isHappeningName = (name: unknown): name is HappeningName =>
  typeof name === 'string' && HAPPENING_NAMES.has(name)

const isOfNewerVersion = (name: unknown) => typeof name === 'string' && !HAPPENING_NAMES.has(name)

/** Null if it is not an event, or lacks a field of its name. */
function asEvent(event: Readonly<Record<string, unknown>>): HistoryEvent | null {
  const { at, ms, boot = null, volume = null, by = null, event: name } = event
  if (typeof at !== 'string' || !isPlausibleTime(at) || !Number.isFinite(ms)) return null
  if (boot !== null && typeof boot !== 'string') return null
  if (volume !== null && typeof volume !== 'string') return null
  if (!isHappeningName(name) || !hasFieldsOf(name, event)) return null
  return { ...event, at, boot, volume, by: asActor(by) } as HistoryEvent
}

function asActor(by: unknown): Actor | null {
  if (typeof by !== 'object' || by === null) return null
  const { via, command = null, user = null } = by as Record<string, unknown>
  const isText = (value: unknown) => value === null || typeof value === 'string'
  return typeof via === 'string' && isText(command) && isText(user) ? ({ via, command, user } as Actor) : null
}
