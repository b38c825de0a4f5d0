import type { HistoryEvent, RecordedMoment } from './history.ts'

/** Outages of one volume in a period. */
export interface OutageCount {
  readonly count: number
  /** In how many of them I/O failed. */
  readonly failed: number
  /** The longest, in seconds; 0 for none. */
  readonly longest: number
}

/** One volume's history in numbers. A published contract. */
export interface VolumeHistory {
  readonly name: string
  /** Since midnight, by the node's time zone. */
  readonly today: OutageCount
  /** As far back as the history goes. */
  readonly all: OutageCount
  /** ISO 8601: the oldest event of this volume that is kept. */
  readonly from: string
}

/** Start and end of one outage, as far as the history shows. A published contract. */
export interface PastOutage {
  readonly volume: string
  readonly since: string
  /** Null: the outage continues, or its end was not seen. */
  readonly seconds: number | null
  readonly io: 'waited' | 'failed' | null
  /**
   * `returned`: the target came back, and nothing failed. `unseen`: the node was restarted, or no agent was
   * running. Null: the outage continues. Otherwise what ended the hold.
   */
  readonly how: string | null
  readonly returnMs: number | null
}

/**
 * The outages of all volumes, ordered by their start.
 * @param now distinguishes an outage that continues from one whose end was not seen
 */
export function outagesOf(events: readonly HistoryEvent[], now: RecordedMoment): PastOutage[] {
  const open = new Map<string, { at: number; event: HistoryEvent }>()
  const found: PastOutage[] = []
  const close = (volume: string, end: Partial<PastOutage>) => {
    const known = open.get(volume)
    if (!known) return false
    open.delete(volume)
    found[known.at] = { ...found[known.at]!, ...end }
    return true
  }
  for (const one of events) {
    const { volume } = one
    if (volume === null) continue
    if (one.event === 'outage-began') {
      close(volume, { how: 'unseen' })
      open.set(volume, { at: found.length, event: one })
      found.push({ volume, since: one.since, seconds: null, io: null, how: null, returnMs: null })
    } else if (one.event === 'outage-ended') {
      const { seconds, io, how, returnMs, since } = one
      const end = { since, seconds, io, how, returnMs }
      if (!close(volume, end)) found.push({ volume, ...end })
    } else if (one.event === 'hold-ended' || one.event === 'gave-up') {
      const known = open.get(volume)
      const how = one.event === 'gave-up' ? 'give-up' : one.how
      if (known) found[known.at] = { ...found[known.at]!, io: 'failed', how }
    } else if (one.event === 'detached')
      close(volume, { how: 'detached', seconds: secondsFrom(open.get(volume)?.event, one) })
  }
  for (const [volume, { event }] of open)
    if (event.boot !== now.boot) close(volume, { how: 'unseen' })
    else {
      const { at } = open.get(volume)!
      found[at] = { ...found[at]!, seconds: secondsFrom(event, now) }
    }
  return found
}

/** By the monotonic clock; null across boots. */
function secondsFrom(from: RecordedMoment | undefined, to: RecordedMoment): number | null {
  if (!from || from.boot !== to.boot) return null
  return Math.max(0, Math.round((to.ms - from.ms) / 100) / 10)
}

/** @param midnight the beginning of today, in milliseconds since 1970 */
export function summariesOf(
  events: readonly HistoryEvent[],
  now: RecordedMoment,
  midnight: number,
): VolumeHistory[] {
  const names = [...new Set(events.flatMap(({ volume }) => volume ?? []))].toSorted()
  const outages = Map.groupBy(outagesOf(events, now), ({ volume }) => volume)
  const bundles = Map.groupBy(
    events.filter((one) => one.event === 'outages'),
    ({ volume }) => volume,
  )
  const first = new Map<string, string>()
  for (const { volume, at } of events) if (volume !== null && !first.has(volume)) first.set(volume, at)
  return names.map((name) => {
    const own = outages.get(name) ?? []
    const flaps = bundles.get(name) ?? []
    return {
      name,
      today: add(
        count(own.filter(({ since, seconds }) => endOf(since, seconds) >= midnight)),
        flaps.filter(({ at }) => Date.parse(at) >= midnight),
      ),
      all: add(count(own), flaps),
      from: first.get(name)!,
    }
  })
}

/** An outage that began yesterday and ended today is one of today's, too. */
const endOf = (since: string, seconds: number | null) => Date.parse(since) + (seconds ?? 0) * 1000

function count(outages: readonly PastOutage[]): OutageCount {
  return {
    count: outages.length,
    failed: outages.filter(({ io }) => io === 'failed').length,
    longest: Math.max(0, ...outages.map(({ seconds }) => seconds ?? 0)),
  }
}

function add(one: OutageCount, flaps: readonly HistoryEvent[]): OutageCount {
  return flaps.reduce<OutageCount>(
    (sum, flap) =>
      flap.event === 'outages'
        ? {
            count: sum.count + flap.count,
            failed: sum.failed + flap.failed,
            longest: Math.max(sum.longest, flap.longest),
          }
        : sum,
    one,
  )
}
