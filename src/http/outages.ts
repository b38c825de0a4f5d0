import { monotonicMs } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import { followHolds } from '../hold/follow.ts'
import type { HoldNote } from '../model/hold-note.ts'
import type { Outage } from '../model/outage.ts'
import { readHistory } from '../state/records/history.ts'
import { readHoldNotes } from '../state/records/hold-note.ts'

/** The outages that a reader can be shown. Where a history is kept on disk, it implements this as well. */
export interface OutageLog extends Disposable {
  /** The newest last. */
  list(): readonly Outage[]
  /** Calls back after each change. */
  follow(told: () => void): void
}

/** About a hundred volumes that are lost together five times. */
const MOST_OUTAGES = 500

interface Entry {
  readonly outage: Outage
  /** {@link monotonicMs} when it began, as far as it is known. */
  readonly sinceMs: number
}

/**
 * Remembers the outages of this node from now on, in memory: the newest 500, those of the node's history and those that last
 * included. The history is read once.
 */
export function rememberOutages(host: Host): OutageLog {
  const lasting = new Map<string, Entry>()
  const past: Outage[] = pastOutages(host)
  let told = () => {}

  function begin(volume: string, note: HoldNote): void {
    const { since, sinceMs = monotonicMs() - (Date.now() - Date.parse(since)), ended } = note
    const failed = ended === null ? null : new Date().toISOString()
    lasting.set(volume, {
      sinceMs,
      outage: { volume, since, failed, reason: ended, until: null, seconds: null },
    })
  }

  function end(volume: string): void {
    const entry = lasting.get(volume)
    lasting.delete(volume)
    if (!entry) return
    const seconds = Math.max(0, Math.round((monotonicMs() - entry.sinceMs) / 100) / 10)
    past.push({ ...entry.outage, until: new Date().toISOString(), seconds })
    if (past.length > MOST_OUTAGES) past.splice(0, past.length - MOST_OUTAGES)
  }

  for (const [name, note] of readHoldNotes(host)) begin(name, note)
  const following = followHolds(host, ({ name, before, after }) => {
    const isSame = before !== null && after !== null && isOne(before, after)
    if (!isSame) end(name)
    if (after && !isSame) begin(name, after)
    const entry = lasting.get(name)
    if (after && entry && entry.outage.reason !== after.ended) {
      const failed = after.ended === null ? null : new Date().toISOString()
      lasting.set(name, { ...entry, outage: { ...entry.outage, failed, reason: after.ended } })
    }
    told()
  })
  return {
    list: () => [...past, ...[...lasting.values()].map(({ outage }) => outage)],
    follow: (next) => void (told = next),
    [Symbol.dispose]: () => following[Symbol.dispose](),
  }
}

/** Those that the history has, from earlier agents and boots. */
function pastOutages(host: Host): Outage[] {
  const { events } = readHistory(host)
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
          // An event that is not kept any more: it failed at some time before its end.
          failed: io === 'failed' ? after(failure?.seconds ?? seconds) : null,
          reason: io === 'failed' ? (failure?.how ?? (how === 'returned' ? 'deadline' : how)) : null,
          until: after(seconds),
          seconds,
        },
      ]
    })
    .slice(-MOST_OUTAGES)
}

/** By the clock that is never set, where both notes have it: setting the other one moves `since`. */
function isOne(before: HoldNote, after: HoldNote): boolean {
  return before.sinceMs !== undefined && after.sinceMs !== undefined
    ? before.sinceMs === after.sinceMs
    : before.since === after.since
}
