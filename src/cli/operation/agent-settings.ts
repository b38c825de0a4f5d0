import { hostname } from 'node:os'

import type { Address } from '../../http/address.ts'
import type { Token } from '../../http/api/token.ts'
import type { Account } from '../../kubernetes/api/account.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { podAccountIfAny } from './kubernetes-witness.ts'
import { LOG_LEVELS } from '../../model/log-entry.ts'
import type { Values } from '../command.ts'
import type { AGENT_OPTIONS } from '../input/agent-options.ts'
import { parseDriverName } from '../input/driver-name.ts'
import type { LogOptions } from './log-writer.ts'
import { LOG_FORMATS } from './log-writer.ts'

/** The settings of the agent's services, each of which is optional, and of its log. */
export interface AgentSettings {
  /** Path of the CSI socket; null: CSI is not served. */
  readonly endpoint: string | null
  readonly driver: string
  readonly node: string
  /** Whether NodeGetVolumeHealth is announced. */
  readonly volumeHealth: boolean
  /** Null: HTTP is not served. */
  readonly http: Address | null
  readonly log: LogOptions
  /** Whether the agent makes the safe repairs automatically. */
  readonly repairs: boolean
  /** The token for clients on other machines, and for changes; null: both are refused. */
  readonly token: Token | null
  /** The service account for asking Kubernetes who owns a volume; null if there is none. */
  readonly witness: Account | null
  /** Null: the agent does not report to Kubernetes. */
  readonly kubernetes: { readonly account: Account; readonly evict: boolean } | null
}

/** Validates the agent's options, from flags and the configuration. @throws USAGE */
export async function agentSettings(options: Values<typeof AGENT_OPTIONS>): Promise<AgentSettings> {
  const { http, 'csi-endpoint': endpoint, 'csi-driver': driver, 'csi-node': node } = options
  const {
    kubernetes = false,
    'evict-broken': evict = false,
    'csi-volume-health': volumeHealth = false,
  } = options
  if (evict && !kubernetes)
    throw new LunkeeperError('USAGE', '--evict-broken requires --kubernetes', {
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
    witness: endpoint === undefined ? null : await podAccountIfAny(),
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
