import { monotonicMs } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import { followHolds } from '../hold/follow.ts'
import { isLunkeeperError } from '../model/errors.ts'
import type { HistoryEvent } from '../model/history.ts'
import type { HoldNote } from '../model/hold-note.ts'
import { isSameOutage } from '../model/hold-note.ts'
import type { VolumeOutage } from '../model/outage.ts'
import { readHistory } from '../state/records/history.ts'
import { readHoldNotes } from '../state/records/hold-note.ts'

/** The outages that the page and the API show. */
export interface OutageLog extends Disposable {
  /** All known outages, the newest last. */
  list(): readonly VolumeOutage[]
  /** Calls `onChange` after each change. Replaces an earlier callback. */
  follow(onChange: () => void): void
}

/** Enough for a hundred volumes with five outages each. */
const MAX_OUTAGES = 500

interface CurrentOutage {
  readonly outage: VolumeOutage
  /** {@link monotonicMs} at the beginning of the outage, if known. */
  readonly sinceMs: number
}

/**
 * Keeps the newest 500 outages of this node in memory: at first those of the history on disk, which is read once, then those
 * that this process observes.
 */
export function rememberOutages(host: Host): OutageLog {
  const current = new Map<string, CurrentOutage>()
  const past: VolumeOutage[] = pastOutages(host)
  let onChange = () => {}

  function begin(volume: string, note: HoldNote): void {
    const { since, sinceMs = monotonicMs() - (Date.now() - Date.parse(since)), ended } = note
    const failed = ended === null ? null : new Date().toISOString()
    current.set(volume, {
      sinceMs,
      outage: { volume, since, failed, reason: ended, until: null, seconds: null },
    })
  }

  function end(volume: string): void {
    const entry = current.get(volume)
    current.delete(volume)
    if (!entry) return
    const seconds = Math.max(0, Math.round((monotonicMs() - entry.sinceMs) / 100) / 10)
    past.push({ ...entry.outage, until: new Date().toISOString(), seconds })
    if (past.length > MAX_OUTAGES) past.splice(0, past.length - MAX_OUTAGES)
  }

  for (const [name, note] of readHoldNotes(host)) begin(name, note)
  const following = followHolds(host, ({ name, before, after }) => {
    const isSame = before !== null && after !== null && isSameOutage(before, after)
    if (!isSame) end(name)
    if (after && !isSame) begin(name, after)
    const entry = current.get(name)
    if (after && entry && entry.outage.reason !== after.ended) {
      const failed = after.ended === null ? null : new Date().toISOString()
      current.set(name, { ...entry, outage: { ...entry.outage, failed, reason: after.ended } })
    }
    onChange()
  })
  return {
    list: () => [...past, ...[...current.values()].map(({ outage }) => outage)],
    follow: (next) => void (onChange = next),
    [Symbol.dispose]: () => following[Symbol.dispose](),
  }
}

/** None if the history cannot be read: `lunkeeper history` reports why, and the agent still has work to do. */
function eventsOf(host: Host): readonly HistoryEvent[] {
  try {
    return readHistory(host).events
  } catch (error) {
    if (isLunkeeperError(error)) return []
    throw error
  }
}

/** The outages in the history on disk, of earlier agents and boots. */
function pastOutages(host: Host): VolumeOutage[] {
  const events = eventsOf(host)
  const failures = new Map(
    events.flatMap((one) =>
      one.event === 'hold-ended' ? [[`${one.volume} ${one.since}`, one] as const] : [],
    ),
  )
  return events
    .flatMap((one) => {
      if (one.event !== 'outage-ended' || one.volume === null) return []
      const { volume, since, seconds, io, how } = one
      const failure = failures.get(`${volume} ${since}`)
      const after = (passed: number) => new Date(Date.parse(since) + passed * 1000).toISOString()
      return [
        {
          volume,
          since,
          // The event for the end of the hold is no longer kept: the exact time of the failure is unknown.
          failed: io === 'failed' ? after(failure?.seconds ?? seconds) : null,
          reason: io === 'failed' ? (failure?.how ?? (how === 'returned' ? 'deadline' : how)) : null,
          until: after(seconds),
          seconds,
        },
      ]
    })
    .slice(-MAX_OUTAGES)
}
