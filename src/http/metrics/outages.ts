import type { Registry } from '@prometheus-io/client'
import { Counter, Histogram } from '@prometheus-io/client'

import { followHolds } from '../../hold/follow.ts'
import type { Host } from '../../host/host.ts'

/** From outages that go unnoticed to those that outlast any hold. */
const SECONDS = [1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400]

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
    buckets: SECONDS,
    registers,
  })
  return followHolds(host, ({ before, after }) => {
    if (before?.since === after?.since) return
    if (after) begun.inc()
    if (!before) return
    const io = before.ended === null ? 'waited' : 'failed'
    lengths.observe({ io }, (Date.now() - Date.parse(before.since)) / 1000)
  })
}
