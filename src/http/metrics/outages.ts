import type { Registry } from '@prometheus-io/client'
import { Counter, Histogram } from '@prometheus-io/client'

import { followHolds } from '../../hold/follow.ts'
import { monotonicMs } from '../../host/clock.ts'
import type { Host } from '../../host/host.ts'
import type { HoldNote } from '../../model/hold-note.ts'
import { isSameOutage } from '../../model/hold-note.ts'

/** From outages that no user notices to outages longer than any hold. */
const DURATION_BUCKETS_SECONDS = [1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400]

/**
 * Counts outages, from the loss of the last path until the volume is usable again. An outage that started before the
 * agent is not counted as a new one.
 */
export function outageMetrics(host: Host, registers: Registry[]): Disposable {
  const begun = new Counter({
    name: 'lunkeeper_outages_total',
    help: 'Number of times a volume lost its last path.',
    registers,
  })
  const lengths = new Histogram({
    name: 'lunkeeper_outage_duration_seconds',
    help: 'Time from the loss of the last path until the volume was usable again, by whether I/O failed meanwhile.',
    labelNames: ['io'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  })
  // A counter that first appears with 1 has not increased, as Prometheus counts: alerts would miss the first outage.
  for (const io of ['waited', 'failed']) lengths.zero({ io })
  return followHolds(host, ({ before, after }) => {
    if (before && after && isSameOutage(before, after)) return
    if (after) begun.inc()
    if (!before) return
    const io = before.ended === null ? 'waited' : 'failed'
    lengths.observe({ io }, secondsSince(before))
  })
}

/** By the monotonic clock, unless the note is of an older version, which did not record it. */
function secondsSince({ since, sinceMs }: HoldNote): number {
  return (sinceMs === undefined ? Date.now() - Date.parse(since) : monotonicMs() - sinceMs) / 1000
}
