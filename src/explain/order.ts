import type { LogEvent } from './input.ts'

/** Number of events after which the order of a log is decided. A longer log that is in order is streamed. */
const SAMPLE_EVENTS = 20_000
/** A log in reverse order is read to its end before any event is passed on; further events are dropped. */
const MAX_EVENTS = 500_000
/** Programs that log at the same time are out of order by less than this; a collector's streams by more. */
const INTERLEAVED_SECONDS = 2

/**
 * Puts the events of a log in order of time if it is reversed (`journalctl -r`, Loki, Kibana) or sorted by stream
 * (Loki).
 */
export interface Order {
  add(event: LogEvent): void
  /** Removes and returns the events whose order is known. @param final no more events follow */
  take(final: boolean): LogEvent[]
}

export function openOrder(): Order {
  let kept: LogEvent[] = []
  let backward = 0
  let forward = 0
  let isInterleaved = false
  let streaming = false
  let last: LogEvent | null = null

  return {
    add(event) {
      // The time since boot is not compared: it restarts at a reboot.
      const from = last?.now.ms ?? null
      const seconds = from === null || event.now.ms === null ? null : (event.now.ms - from) / 1000
      if (seconds !== null) {
        if (seconds < 0) backward++
        if (seconds > 0) forward++
        if (seconds < -INTERLEAVED_SECONDS) isInterleaved = true
      }
      last = event
      if (kept.length < MAX_EVENTS) kept.push(event)
    },
    take(final) {
      if (!final && !streaming && kept.length < SAMPLE_EVENTS) return []
      const backwards = backward > forward
      if (!final && backwards) return []
      if (!streaming && backwards) kept.reverse()
      // Times without a zone may go back because the clock was set. Times with a zone come from a collector, which
      // records when each line was written.
      if (!streaming && isInterleaved && kept.every(({ now }) => now.zoned)) kept = byTime(kept)
      streaming = true
      const all = kept
      kept = []
      return all
    },
  }
}

function byTime(events: readonly LogEvent[]): LogEvent[] {
  return events.toSorted((a, b) => (a.now.ms ?? 0) - (b.now.ms ?? 0))
}
