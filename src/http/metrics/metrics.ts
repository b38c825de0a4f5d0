import type { MetricObject } from '@prometheus-io/client'
import { Gauge, Histogram, Registry } from '@prometheus-io/client'

import type { Host } from '../../host/host.ts'
import type { Observer } from '../../volumes/step.ts'
import { outageMetrics } from './outages.ts'
import { volumeMetrics } from './volumes.ts'

/** The shortest call finds that nothing is to be done; the longest waits for a file system check. */
const DURATION_BUCKETS_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]

export interface MetricDescription {
  readonly name: string
  /** counter, gauge or histogram. */
  readonly kind: string
  readonly labels: readonly string[]
}

export interface Metrics extends Disposable {
  readonly contentType: string
  /** All metrics with their labels, including those that have no value now. */
  readonly described: readonly MetricDescription[]
  /** All metrics in Prometheus' text format. */
  text(): Promise<string>
  /** Measures the steps of attach, detach and expand. */
  readonly observer: Observer
  /** Records a CSI call. @param code OK or a gRPC status code */
  called(method: string, code: string, milliseconds: number): void
}

/** Opens all metrics of the agent. Except for volume names, labels have few values. */
export function openMetrics(host: Host, version: string): Metrics {
  const registry = new Registry()
  const registers = [registry]
  new Gauge({
    name: 'lunkeeper_build_info',
    help: 'Version of the running program; the value is always 1.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1)
  const memory = new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory used by the agent.',
    registers,
  })
  const calls = new Histogram({
    name: 'lunkeeper_csi_call_duration_seconds',
    help: 'Calls of the Container Storage Interface by result.',
    labelNames: ['method', 'code'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  })
  const steps = new Histogram({
    name: 'lunkeeper_step_duration_seconds',
    help: 'Duration of single steps of attach, detach and expand.',
    labelNames: ['step'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  })
  const outages = outageMetrics(host, registers)
  const refresh = volumeMetrics(host, registers)
  return {
    contentType: registry.contentType,
    described: registry.getMetricsAsArray().map(describe),
    async text() {
      memory.set(process.memoryUsage.rss())
      await refresh()
      return registry.metrics()
    },
    observer: {
      end: (_volume, step, _subject, milliseconds) => steps.observe({ step }, milliseconds / 1000),
    },
    called: (method, code, milliseconds) => calls.observe({ method, code }, milliseconds / 1000),
    [Symbol.dispose]: () => outages[Symbol.dispose](),
  }
}

function describe(metric: MetricObject & { readonly labelNames?: readonly string[] }): MetricDescription {
  return { name: metric.name, kind: metric.type, labels: metric.labelNames ?? [] }
}
