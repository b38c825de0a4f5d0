import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'

/** Where a pod finds who it is (kubernetes.io: "Accessing the Kubernetes API from a Pod"). */
const DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Where the API server is, and who asks it. */
export interface Account {
  readonly host: string
  readonly port: number
  /** Read anew each time: a kubelet replaces it well before it ends, most often after 48 minutes. */
  readonly token: () => string
  /** The certificate that vouches for the server, as PEM; it is replaced in place, too. */
  readonly ca: () => string
}

/** The account of the pod in which this runs, or of the directory that its environment names. @throws USAGE there is none */
export function podAccount(env: Readonly<Record<string, string | undefined>> = process.env): Account {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env
  const directory = env['LUNKEEPER_SERVICE_ACCOUNT'] ?? DIRECTORY
  const account = {
    host: host ?? '',
    port: Number(port),
    token: () => readFileSync(join(directory, 'token'), 'utf8').trim(),
    ca: () => readFileSync(join(directory, 'ca.crt'), 'utf8'),
  }
  const hint = 'It needs a pod with a service account: see deploy/kubernetes/overlays/events.'
  if (!host || !(account.port > 0 && account.port < 65_536))
    throw new LunkeeperError('USAGE', 'There is no Kubernetes here: KUBERNETES_SERVICE_HOST is not set', {
      hint,
    })
  try {
    account.token()
    account.ca()
  } catch (cause) {
    throw new LunkeeperError('USAGE', `There is no service account here: ${(cause as Error).message}`, {
      cause,
      hint,
    })
  }
  return account
}
