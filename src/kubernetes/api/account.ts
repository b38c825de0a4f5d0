import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'

/** Where the credentials of a pod are mounted (kubernetes.io: "Accessing the Kubernetes API from a Pod"). */
const DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Address of the API server, and the credentials for it. */
export interface Account {
  readonly host: string
  readonly port: number
  /** Reads the token. Called for every request, because a kubelet replaces the token, usually after 48 minutes. */
  readonly token: () => string
  /** Reads the CA certificate of the server (PEM), which is also replaced in place. */
  readonly ca: () => string
}

/** The service account of this pod, or in the directory that LUNKEEPER_SERVICE_ACCOUNT names. @throws USAGE there is none */
export function podAccount(env: Readonly<Record<string, string | undefined>> = process.env): Account {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env
  const directory = env['LUNKEEPER_SERVICE_ACCOUNT'] ?? DIRECTORY
  const account = {
    host: host ?? '',
    port: Number(port),
    token: () => readFileSync(join(directory, 'token'), 'utf8').trim(),
    ca: () => readFileSync(join(directory, 'ca.crt'), 'utf8'),
  }
  const hint = 'A pod with a service account is required: see deploy/kubernetes/overlays/events.'
  if (!host || !(account.port > 0 && account.port < 65_536))
    throw new LunkeeperError('USAGE', 'not running on Kubernetes: KUBERNETES_SERVICE_HOST is not set', {
      hint,
    })
  try {
    account.token()
    account.ca()
  } catch (cause) {
    throw new LunkeeperError('USAGE', `no service account found: ${(cause as Error).message}`, {
      cause,
      hint,
    })
  }
  return account
}
