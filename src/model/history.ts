import type { HoldNote } from './hold-note.ts'
import { isSameOutage } from './hold-note.ts'
import type { Hold, HoldMode } from './hold.ts'

/** Who made a change. */
export interface Actor {
  /** Which part of Lunkeeper acted. */
  readonly via: 'cli' | 'agent' | 'csi' | 'library'
  /** The command, as the user typed its name: `hold`; null if there was none. */
  readonly command: string | null
  /** The user who ran it, before sudo; null if that is not known. */
  readonly user: string | null
}

/** Why an outage is over: the target returned, or what had ended the hold before the volume was usable again. */
export type OutageEnd = 'returned' | NonNullable<HoldNote['ended']>

/** What happened to a volume, or to the node. Times are wall times in ISO 8601, durations seconds. */
export type Happening =
  /** All paths were lost, and I/O is held. `deadline`: null for never; absent if the agent itself counts `hold`. */
  | {
      readonly event: 'outage-began'
      readonly since: string
      readonly mode: HoldMode
      readonly hold: Hold
      readonly deadline?: string | null | undefined
    }
  /** Held I/O failed, or was allowed to fail. `seconds` after the loss of the last path. */
  | {
      readonly event: 'hold-ended'
      readonly since: string
      readonly how: NonNullable<HoldNote['ended']>
      readonly seconds: number
      readonly holder?: string | undefined
      readonly trouble?: string | null | undefined
    }
  /**
   * The target answers, but the volume is not usable. `stranger`: another volume answers in its place. `broken`: its file
   * system must be remounted.
   */
  | { readonly event: 'trouble'; readonly kind: 'stranger' | 'broken'; readonly text: string }
  /**
   * The volume is usable again. `io`: whether I/O only waited, or failed meanwhile. `returnMs`: milliseconds from
   * the target's return until I/O went through; null if its return was not seen.
   */
  | {
      readonly event: 'outage-ended'
      readonly since: string
      readonly seconds: number
      readonly io: 'waited' | 'failed'
      readonly how: OutageEnd
      readonly returnMs: number | null
    }
  /** Outages that came too often to be kept individually. */
  | {
      readonly event: 'outages'
      readonly count: number
      readonly failed: number
      readonly seconds: number
      readonly longest: number
    }
  | {
      readonly event: 'attached'
      readonly mode: HoldMode | null
      readonly device: string | null
      readonly mount: string | null
      readonly bytes: number | null
      /** The bare directory that was made immutable; null if none was. */
      readonly directory: string | null
      readonly tookOver: boolean
    }
  /** By the agent, after a reboot or after a disk was lost. */
  | { readonly event: 'reattached' }
  | { readonly event: 'detached'; readonly forced: boolean }
  | { readonly event: 'hold-changed'; readonly from: Hold; readonly to: Hold }
  /** A user ended the hold: held I/O fails. */
  | { readonly event: 'gave-up' }
  | { readonly event: 'expanded'; readonly from: number; readonly to: number }
  | {
      readonly event: 'repaired'
      readonly code: string
      readonly action: string
      readonly error: string | null
    }
  /** The wall clock was set by this many seconds; negative: back. */
  | { readonly event: 'clock-stepped'; readonly seconds: number }
  | { readonly event: 'agent-started'; readonly version: string | null }
  | { readonly event: 'agent-stopped' }

/** Name of an event. */
export type HappeningName = Happening['event']

const NAMES: Readonly<Record<HappeningName, true>> = {
  'outage-began': true,
  'hold-ended': true,
  trouble: true,
  'outage-ended': true,
  outages: true,
  attached: true,
  reattached: true,
  detached: true,
  'hold-changed': true,
  'gave-up': true,
  expanded: true,
  repaired: true,
  'clock-stepped': true,
  'agent-started': true,
  'agent-stopped': true,
}

/** The events that this version knows. */
export const HAPPENING_NAMES: ReadonlySet<string> = new Set(Object.keys(NAMES))

/** When something was recorded: by the wall clock, and by the monotonic clock of a boot. */
export interface RecordedMoment {
  /** ISO 8601, by the wall clock as it was set then. */
  readonly at: string
  /** Distinguishes one boot from another; null if the kernel does not report it. */
  readonly boot: string | null
  /** Milliseconds of that boot's monotonic clock. */
  readonly ms: number
}

/** One entry of the history. A published contract. */
export type HistoryEvent = RecordedMoment & {
  /** Null for events that concern the whole node. */
  readonly volume: string | null
  /** Null for events that were observed, not caused. */
  readonly by: Actor | null
} & Happening

/** The moment when a hold note changed, and what the note does not contain. */
export interface HoldMoment {
  readonly wallMs: number
  readonly nowMs: number
  readonly mode: HoldMode
  readonly wanted: Hold
  /** Monotonic milliseconds at which the target was back; null if that was not seen. */
  readonly backMs: number | null
}

/** What happened, judged by a hold note before and after a change. Null: there was, or is, no note. */
export function happeningsOf(
  before: HoldNote | null,
  after: HoldNote | null,
  moment: HoldMoment,
): Happening[] {
  if (before !== null && after !== null && isSameOutage(before, after)) return within(before, after, moment)
  return [
    ...(before === null ? [] : [outageEnded(before, moment)]),
    ...(after === null ? [] : [...began(after, moment), ...within({ ...after, ended: null }, after, moment)]),
  ]
}

/** If a note starts with its hold already ended, only the end is reported: another volume answered, but no path was lost. */
function began(note: HoldNote, { mode, wanted }: HoldMoment): Happening[] {
  if (note.ended !== null) return []
  const { since, deadline } = note
  return [
    { event: 'outage-began', since, mode, hold: wanted, ...(deadline === undefined ? {} : { deadline }) },
  ]
}

function within(before: HoldNote, after: HoldNote, moment: HoldMoment): Happening[] {
  const found: Happening[] = []
  if (after.ended !== null && after.ended !== before.ended)
    found.push({
      event: 'hold-ended',
      since: after.since,
      how: after.ended,
      seconds: secondsSince(after, moment),
      ...(after.holder === undefined ? {} : { holder: after.holder }),
      ...(after.kind === undefined ? {} : { trouble: after.trouble }),
    })
  const { kind, trouble } = after
  if (kind !== before.kind && (kind === 'stranger' || kind === 'broken'))
    found.push({ event: 'trouble', kind, text: trouble ?? '' })
  return found
}

function outageEnded(note: HoldNote, moment: HoldMoment): Happening {
  const { backMs, nowMs } = moment
  return {
    event: 'outage-ended',
    since: note.since,
    seconds: secondsSince(note, moment),
    io: note.ended === null ? 'waited' : 'failed',
    how: note.ended ?? 'returned',
    returnMs: backMs === null ? null : Math.max(0, Math.round(nowMs - backMs)),
  }
}

/** By the monotonic clock, to a tenth of a second. */
function secondsSince({ since, sinceMs }: HoldNote, { nowMs, wallMs }: HoldMoment): number {
  const ms = sinceMs === undefined ? wallMs - Date.parse(since) : nowMs - sinceMs
  return Math.max(0, Math.round(ms / 100) / 10)
}
