import { hostname } from 'node:os'

import type { CsiService } from '../../csi/server/serve.ts'
import type { Host } from '../../host/host.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { version } from '../version.ts'
import { dieAt } from './die-at.ts'
import { observers } from './observers.ts'

/** What an agent serves besides keeping its volumes; each only if it is asked for. */
export interface Served {
  readonly endpoint: string | null
  readonly driver: string
  readonly node: string
}

interface Around {
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

export const DRIVER = 'iscsi.csi.lunkeeper'

/** @throws USAGE */
export function servedOf(options: {
  readonly 'csi-endpoint'?: string
  readonly 'csi-driver'?: string
  readonly 'csi-node'?: string
}): Served {
  const endpoint = options['csi-endpoint'] ?? null
  const driver = options['csi-driver'] ?? DRIVER
  const node = options['csi-node'] ?? hostname()
  if (endpoint === null && (options['csi-driver'] ?? options['csi-node']) !== undefined)
    throw new LunkeeperError('USAGE', 'A driver or node is named, but no --csi-endpoint', {
      hint: 'Add --csi-endpoint unix:///PATH.',
    })
  // The specification's form: parts of a domain name, 63 characters at most.
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/.test(driver))
    throw new LunkeeperError('USAGE', `"${driver}" cannot be the name of a driver`, {
      hint: `It has the form of a domain name, like ${DRIVER}.`,
    })
  if (node === '' || Buffer.byteLength(node) > 192)
    throw new LunkeeperError('USAGE', `"${node}" cannot be the name of a node`, {
      hint: 'Give --csi-node NAME.',
    })
  return { endpoint, driver, node }
}

/** Starts what is asked for; gRPC is loaded only then. @throws CONFLICT USAGE RECORD_UNWRITABLE */
export async function serve(host: Host, served: Served, { signal, say }: Around): Promise<CsiService | null> {
  if (served.endpoint === null) return null
  const { parseEndpoint } = await import('../../csi/server/endpoint.ts')
  const { serveCsi } = await import('../../csi/server/serve.ts')
  const { LUNKEEPER_DIE_AT } = process.env
  return serveCsi(host, {
    path: parseEndpoint(served.endpoint),
    name: served.driver,
    nodeId: served.node,
    version: version(),
    observer: observers([
      { warn: (volume, message) => say(`${volume}: ${message}`) },
      ...(LUNKEEPER_DIE_AT ? [dieAt(LUNKEEPER_DIE_AT)] : []),
    ]),
    signal,
    say,
  })
}
