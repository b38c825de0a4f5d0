import type { HoldNote } from '../hold-note.ts'
import type { Hold } from '../hold.ts'

/** During shutdown, no hold map holds I/O for longer than `seconds` after `since`. */
export interface ShutdownGrace {
  /** By the wall clock as it is set now. ISO 8601. */
  readonly since: string
  /** The same moment on this boot's monotonic clock. */
  readonly sinceMs: number
  readonly seconds: number
}

/** How a hold ends if the target does not return. */
export interface HoldEnd {
  /** Milliseconds after the hold began. */
  readonly afterMs: number
  /**
   * `hold`: the hold reaches its length. `shutdown`: the machine goes down first. `holder`: the session's timer or
   * multipathd ends it.
   */
  readonly by: 'hold' | 'shutdown' | 'holder'
}

/**
 * When a hold ends. The agent, which ends it, and everything that prints it use this one function.
 * @returns null if it never ends
 */
export function holdEnd(note: HoldNote, wanted: Hold, shutdown: ShutdownGrace | null): HoldEnd | null {
  if (note.deadline === null) return null
  if (note.deadline !== undefined)
    return { afterMs: Date.parse(note.deadline) - Date.parse(note.since), by: 'holder' }
  const own = wanted === 'forever' ? Infinity : wanted * 1000
  const last = shutdown === null ? Infinity : leadOf(note, shutdown) + shutdown.seconds * 1000
  if (own === Infinity && last === Infinity) return null
  return last <= own ? { afterMs: last, by: 'shutdown' } : { afterMs: own, by: 'hold' }
}

/** How long a hold lasted before the shutdown began; 0 for one that began later. */
function leadOf({ since, sinceMs }: HoldNote, shutdown: ShutdownGrace): number {
  // Use the monotonic clock where the note has it: the wall clock may have been set in between.
  const lead =
    sinceMs === undefined ? Date.parse(shutdown.since) - Date.parse(since) : shutdown.sinceMs - sinceMs
  return Math.max(0, lead)
}

/** When held I/O fails, by the wall clock. ISO 8601; null for never. */
export function holdDeadline(note: HoldNote, wanted: Hold, shutdown: ShutdownGrace | null): string | null {
  const end = holdEnd(note, wanted, shutdown)
  return end && new Date(Date.parse(note.since) + end.afterMs).toISOString()
}
