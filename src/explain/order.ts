import type { Told } from './input.ts'

/** Number of entries examined before the order is decided; a longer log that is in order is streamed. */
const LOOKED_AT = 20_000
/** A log in reverse order must be read to its end first; at most this many entries are kept. */
const MOST_LINES = 500_000
/** Streams of a collector are further out of order than programs that write at the same time. */
const MIXED_SECONDS = 2

/** Sorts by time what a log has in reverse (`journalctl -r`, Loki, Kibana) or stream by stream (Loki). */
export interface Order {
  add(told: Told): void
  /** The entries that can be passed on so far. @param final no more follow */
  take(final: boolean): Told[]
}

export function openOrder(): Order {
  let kept: Told[] = []
  let back = 0
  let forth = 0
  let mixed = false
  let streaming = false
  let last: Told | null = null

  return {
    add(told) {
      // Not by the time since boot, which restarts at a reboot.
      const from = last?.now.ms ?? null
      const seconds = from === null || told.now.ms === null ? null : (told.now.ms - from) / 1000
      if (seconds !== null) {
        if (seconds < 0) back++
        if (seconds > 0) forth++
        if (seconds < -MIXED_SECONDS) mixed = true
      }
      last = told
      if (kept.length < MOST_LINES) kept.push(told)
    },
    take(final) {
      if (!final && !streaming && kept.length < LOOKED_AT) return []
      const backwards = back > forth
      if (!final && backwards) return []
      if (!streaming && backwards) kept.reverse()
      // A clock without a zone may have been set; a collector's has not, and records when each line was written.
      if (!streaming && mixed && kept.every(({ now }) => now.zoned)) kept = inTime(kept)
      streaming = true
      const all = kept
      kept = []
      return all
    },
  }
}

function inTime(told: readonly Told[]): Told[] {
  return told.toSorted((a, b) => (a.now.ms ?? 0) - (b.now.ms ?? 0))
}
