import type { Address } from '../../http/address.ts'
import type { Metrics } from '../../http/metrics/metrics.ts'
import type { Host } from '../../host/host.ts'
import type { Observer } from '../../volumes/step.ts'
import { version } from '../version.ts'
import type { AgentSettings } from './agent-settings.ts'
import { dieAt } from './die-at.ts'
import { useKubernetesWitness } from './kubernetes-witness.ts'
import { observers } from './observers.ts'

/** The agent reports that it is alive at least every 20 s (`ROUND_INTERVAL_MS` in src/agent/agent.ts). */
const UNHEALTHY_AFTER_MS = 60_000

/** The services beside the agent. They are stopped when they are disposed, after the agent has ended. */
export interface AgentServices extends AsyncDisposable {
  /** Starts the services that need a running agent. @throws CONFLICT USAGE RECORD_UNWRITABLE */
  begin(): Promise<void>
  /** The agent is alive. */
  alive(): void
}

interface AgentLog {
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

/** What the HTTP server reports about the agent. */
interface AgentHealth {
  aliveMs: number
  isReady: boolean
}

type Opened = (Disposable | AsyncDisposable)[]

/**
 * Opens the services that the settings name. Only their code is loaded: gRPC alone takes about 10 MB.
 * @throws CONFLICT USAGE
 */
export async function openServices(
  host: Host,
  settings: AgentSettings,
  log: AgentLog,
): Promise<AgentServices> {
  const opened: Opened = []
  const health: AgentHealth = { aliveMs: performance.now(), isReady: false }
  try {
    const { http, witness } = settings
    const metrics = http && (await import('../../http/metrics/metrics.ts')).openMetrics(host, version())
    if (metrics) opened.push(metrics)
    const observer = stepObserver(metrics, log)
    if (witness) opened.push(await useKubernetesWitness(host, witness, log.signal))
    if (http && metrics) await openHttp(host, { ...settings, http }, { metrics, health, opened }, log)
    return {
      async begin() {
        await beginServices(host, settings, { metrics, observer, opened }, log)
        health.isReady = true
      },
      alive() {
        health.aliveMs = performance.now()
      },
      [Symbol.asyncDispose]: () => close(opened),
    }
  } catch (error) {
    await close(opened)
    throw error
  }
}

/** Observes the steps of CSI calls. @throws USAGE LUNKEEPER_DIE_AT is not valid */
function stepObserver(metrics: Metrics | null, { say }: AgentLog): Observer {
  const { LUNKEEPER_DIE_AT } = process.env
  return observers([
    { warn: (volume, message) => say(`${volume}: ${message}`) },
    ...(metrics ? [metrics.observer] : []),
    ...(LUNKEEPER_DIE_AT ? [dieAt(LUNKEEPER_DIE_AT)] : []),
  ])
}

/** In reverse order, so that calls in progress are still counted. */
async function close(opened: Opened): Promise<void> {
  for (const one of opened.splice(0).toReversed())
    await (Symbol.asyncDispose in one ? one[Symbol.asyncDispose]() : one[Symbol.dispose]())
}

async function openHttp(
  host: Host,
  { http, node, token }: AgentSettings & { readonly http: Address },
  {
    metrics,
    health,
    opened,
  }: { readonly metrics: Metrics; readonly health: AgentHealth; readonly opened: Opened },
  { say }: AgentLog,
): Promise<void> {
  const { serveHttp } = await import('../../http/serve.ts')
  const { openPageService } = await import('../../http/page-service.ts')
  const { lacksOf } = await import('../../state/view/node.ts')
  const unhealthyReason = () =>
    performance.now() - health.aliveMs > UNHEALTHY_AFTER_MS
      ? `no volume was checked for ${UNHEALTHY_AFTER_MS / 1000} s`
      : null
  const notReadyReason = () =>
    health.isReady ? (lacksOf(host)[0]?.message ?? null) : 'the agent is starting'
  const page = openPageService(host, { node, version: version(), token, unhealthyReason, say })
  opened.push(page)
  opened.push(await serveHttp({ address: http, metrics, page, unhealthyReason, notReadyReason }))
}

async function beginServices(
  host: Host,
  { endpoint, driver, node, volumeHealth, kubernetes, repairs }: AgentSettings,
  {
    metrics,
    observer,
    opened,
  }: { readonly metrics: Metrics | null; readonly observer: Observer; readonly opened: Opened },
  { signal, say }: AgentLog,
): Promise<void> {
  if (endpoint !== null) {
    const { serveCsi } = await import('../../csi/server/serve.ts')
    const csi = await serveCsi(
      { ...host, actor: { via: 'csi', command: null, user: null } },
      {
        path: endpoint,
        name: driver,
        nodeId: node,
        version: version(),
        announceHealth: volumeHealth,
        observer,
        signal,
        say,
        ended: (method, code, milliseconds) => metrics?.called(method, code, milliseconds),
      },
    )
    opened.push(csi)
  }
  if (kubernetes) {
    const { serveKubernetes } = await import('../../kubernetes/serve.ts')
    opened.push(serveKubernetes(host, { ...kubernetes, node, say }))
  }
  if (repairs) opened.push(await startRepairLoop(host, say))
}

/** Disposal does not wait for a running repair, which is a separate process. */
async function startRepairLoop(host: Host, say: (line: string) => void): Promise<Disposable> {
  const { repairRegularly } = await import('./repair-loop.ts')
  const stop = new AbortController()
  void repairRegularly(host, { say, signal: stop.signal })
  return {
    [Symbol.dispose]() {
      stop.abort()
    },
  }
}
