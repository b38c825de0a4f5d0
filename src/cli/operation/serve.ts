import { hostname } from 'node:os'

import type { Address } from '../../http/address.ts'
import type { Token } from '../../http/api/token.ts'
import type { Host } from '../../host/host.ts'
import type { Account } from '../../kubernetes/api/account.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { LOG_LEVELS } from '../../model/log-entry.ts'
import type { Observer } from '../../volumes/step.ts'
import { parseDriverName } from '../input/driver-name.ts'
import { version } from '../version.ts'
import { dieAt } from './die-at.ts'
import type { LogOptions } from './log-writer.ts'
import { LOG_FORMATS } from './log-writer.ts'
import { observers } from './observers.ts'

/** What an agent serves besides managing its volumes; each service is optional. */
export interface Served {
  /** Path of the socket. */
  readonly endpoint: string | null
  readonly driver: string
  readonly node: string
  /** Whether NodeGetVolumeHealth is announced. */
  readonly volumeHealth: boolean
  readonly http: Address | null
  readonly log: LogOptions
  /** Whether it makes the safe repairs automatically. */
  readonly repairs: boolean
  /** What a client must show to read from other machines, and to change something; null: neither is possible. */
  readonly token: Token | null
  /** By whom Kubernetes is asked whether a volume is still this node's; null where there is no service account. */
  readonly witness: Account | null
  /** Null if it does not report to Kubernetes. */
  readonly kubernetes: { readonly account: Account; readonly evict: boolean } | null
}

/** The agent reports that it is alive at least every 20 s (`ROUND` in src/agent/agent.ts). */
const LATE = 60_000

/** @throws USAGE */
export async function servedOf(options: {
  readonly 'csi-endpoint'?: string
  readonly 'csi-driver'?: string
  readonly 'csi-node'?: string
  readonly 'csi-volume-health'?: boolean
  readonly http?: string
  readonly repair?: string
  readonly 'log-format'?: string
  readonly 'log-level'?: string
  readonly 'http-token-file'?: string
  readonly kubernetes?: boolean
  readonly 'evict-broken'?: boolean
}): Promise<Served> {
  const { http, 'csi-endpoint': endpoint, 'csi-driver': driver, 'csi-node': node } = options
  const {
    kubernetes = false,
    'evict-broken': evict = false,
    'csi-volume-health': volumeHealth = false,
  } = options
  if (evict && !kubernetes)
    throw new LunkeeperError('USAGE', 'Evicting pods requires --kubernetes', {
      hint: 'Add --kubernetes.',
    })
  if (kubernetes && endpoint === undefined)
    throw new LunkeeperError('USAGE', '--kubernetes requires --csi-endpoint', {
      hint: 'Add --csi-endpoint unix:///PATH.',
    })
  if (endpoint === undefined && (driver !== undefined || node !== undefined || volumeHealth))
    throw new LunkeeperError(
      'USAGE',
      '--csi-driver, --csi-node and --csi-volume-health require --csi-endpoint',
      {
        hint: 'Add --csi-endpoint unix:///PATH.',
      },
    )
  const tokenFile = options['http-token-file']
  if (tokenFile !== undefined && http === undefined)
    throw new LunkeeperError('USAGE', '--http-token-file requires --http', {
      hint: 'Add --http ADDR:PORT.',
    })
  if (node !== undefined && Buffer.byteLength(node) > 192)
    throw new LunkeeperError('USAGE', `"${node}" is not a valid node name`, {
      hint: 'Use at most 192 bytes.',
    })
  const { parseEndpoint } = await import('../../csi/server/endpoint.ts')
  const { parseAddress } = await import('../../http/address.ts')
  return {
    endpoint: endpoint === undefined ? null : parseEndpoint(endpoint),
    driver: parseDriverName(driver),
    node: node ?? hostname(),
    volumeHealth,
    witness: endpoint === undefined ? null : await accountHere(),
    http: http === undefined ? null : parseAddress(http),
    repairs: options.repair !== 'off',
    log: {
      format: LOG_FORMATS.find((one) => one === options['log-format']) ?? null,
      level: LOG_LEVELS.find((one) => one === options['log-level']) ?? 'info',
    },
    token: tokenFile === undefined ? null : (await import('../../http/api/token.ts')).readToken(tokenFile),
    kubernetes: kubernetes
      ? { account: (await import('../../kubernetes/api/account.ts')).podAccount(), evict }
      : null,
  }
}

/** The account of this pod; null where this is none, or it has none: then only the target tells who has a volume. */
async function accountHere(): Promise<Account | null> {
  const { podAccount } = await import('../../kubernetes/api/account.ts')
  try {
    return podAccount()
  } catch (error) {
    if (isLunkeeperError(error, 'USAGE')) return null
    throw error
  }
}

/** The services around the agent: notified when it is ready and alive, stopped when it has ended. */
export interface Services extends AsyncDisposable {
  /** The agent starts first: services need a running agent. @throws CONFLICT USAGE RECORD_UNWRITABLE */
  begin(): Promise<void>
  alive(): void
}

/** Only what is requested is loaded: gRPC alone takes about 10 MB. */
export async function services(
  host: Host,
  { endpoint, driver, node, volumeHealth, http, repairs, token, witness, kubernetes }: Served,
  { signal, say }: { readonly signal: AbortSignal; readonly say: (line: string) => void },
): Promise<Services> {
  const opened: (Disposable | AsyncDisposable)[] = []
  const { LUNKEEPER_DIE_AT } = process.env
  const metrics = http && (await import('../../http/metrics/metrics.ts')).openMetrics(host, version())
  if (metrics) opened.push(metrics)
  const observer: Observer = observers([
    { warn: (volume, message) => say(`${volume}: ${message}`) },
    ...(metrics ? [metrics.observer] : []),
    ...(LUNKEEPER_DIE_AT ? [dieAt(LUNKEEPER_DIE_AT)] : []),
  ])
  if (witness) opened.push(await hearKubernetes(host, witness, signal))
  let seen = performance.now()
  let ready = false
  if (http && metrics) {
    const { serveHttp } = await import('../../http/serve.ts')
    const { openPageService } = await import('../../http/page-service.ts')
    const { lacksOf } = await import('../../state/view/node.ts')
    const late = () => performance.now() - seen > LATE
    const unhealthyReason = () => (late() ? `no volume was checked for ${LATE / 1000} s` : null)
    const page = openPageService(host, { node, version: version(), token, unhealthyReason, say })
    opened.push(page)
    opened.push(
      await serveHttp({
        address: http,
        metrics,
        page,
        unhealthyReason,
        notReadyReason: () => (ready ? (lacksOf(host)[0]?.message ?? null) : 'it is starting'),
      }),
    )
  }
  return {
    async begin() {
      if (endpoint !== null) {
        const { serveCsi } = await import('../../csi/server/serve.ts')
        const served = {
          path: endpoint,
          name: driver,
          nodeId: node,
          version: version(),
          announceHealth: volumeHealth,
        }
        opened.push(
          await serveCsi(
            { ...host, actor: { via: 'csi', command: null, user: null } },
            {
              ...served,
              observer,
              signal,
              say,
              ended: (method, code, milliseconds) => metrics?.called(method, code, milliseconds),
            },
          ),
        )
      }
      if (kubernetes) {
        const { serveKubernetes } = await import('../../kubernetes/serve.ts')
        opened.push(serveKubernetes(host, { ...kubernetes, node, say }))
      }
      if (repairs) opened.push(await repairing(host, say))
      ready = true
    },
    alive() {
      seen = performance.now()
    },
    async [Symbol.asyncDispose]() {
      // In reverse order, so that calls in progress are still counted.
      for (const one of opened.toReversed())
        await (Symbol.asyncDispose in one ? one[Symbol.asyncDispose]() : one[Symbol.dispose]())
    },
  }
}

/** Its disposal does not wait for a running repair, which is a process of its own. */
async function repairing(host: Host, say: (line: string) => void): Promise<Disposable> {
  const { repairRegularly } = await import('./repair-loop.ts')
  const stop = new AbortController()
  void repairRegularly(host, { say, signal: stop.signal })
  return {
    [Symbol.dispose]() {
      stop.abort()
    },
  }
}

/** Has the engine ask Kubernetes before a volume is written to that nothing at its target guards. */
async function hearKubernetes(host: Host, account: Account, signal: AbortSignal): Promise<Disposable> {
  const { openApi } = await import('../../kubernetes/api/client.ts')
  const { askAttachment } = await import('../../kubernetes/attachment/witness.ts')
  const api = openApi(account)
  host.witnesses.kubernetes = async ({ attachment, uid }) => {
    const word = await askAttachment(api, { name: attachment, uid }, signal)
    return word === 'mine' || word === 'unreachable' ? word : 'gone'
  }
  return {
    [Symbol.dispose]() {
      host.witnesses.kubernetes = null
      api[Symbol.dispose]()
    },
  }
}
