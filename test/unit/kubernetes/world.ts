import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { onTestFinished } from 'vitest'
import { parseAllDocuments } from 'yaml'

import type { Account } from '../../../src/kubernetes/api/account.ts'
import { podAccount } from '../../../src/kubernetes/api/account.ts'
import type { Rule, State } from '../../api-server/server.ts'
import { ApiServer } from '../../api-server/server.ts'
import { temporary } from '../temporary.ts'

const directory = join(import.meta.dirname, '../../../deploy/kubernetes')

const ROLES = {
  agent: 'base/agent-role.yaml',
  controller: 'base/controller-role.yaml',
  events: 'components/events/role.yaml',
  evict: 'components/evict/role.yaml',
}

/** What the manifests allow the agent, or the controller, to do. */
export function rulesOf(role: keyof typeof ROLES): Rule[] {
  const text = readFileSync(join(directory, ROLES[role]), 'utf8')
  return parseAllDocuments(text).flatMap((document) => (document.toJS() as { rules?: Rule[] }).rules ?? [])
}

export const pod = (name: string, uid: string, controller: string | null = 'ReplicaSet') => ({
  metadata: {
    name,
    namespace: 'shop',
    uid,
    ...(controller === null ? {} : { ownerReferences: [{ kind: controller, controller: true }] }),
  },
})

export interface World {
  readonly server: ApiServer
  readonly account: Account
  readonly log: string[]
  readonly say: (line: string) => void
  readonly token: (text: string) => void
  /** The requests in the terms of a role: `create events`. */
  readonly verbs: () => string[]
}

/** An API server, and the account of a pod that may do what the manifests allow. */
export async function world(state: Partial<State> = {}, rules = rulesOf('events')): Promise<World> {
  const server = await ApiServer.start(
    { node: 'node-1', pods: [], volumes: [{ metadata: { name: 'orders', uid: 'pv-uid' } }], ...state },
    rules,
  )
  onTestFinished(() => server[Symbol.asyncDispose]())
  const directory = temporary()
  const token = (text: string) => writeFileSync(join(directory, 'token'), text)
  token('token-1\n')
  writeFileSync(join(directory, 'ca.crt'), server.cert)
  const account = podAccount({
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String(server.port),
    LUNKEEPER_SERVICE_ACCOUNT: directory,
  })
  const log: string[] = []
  return {
    server,
    account,
    log,
    say: (line) => log.push(line),
    token,
    verbs: () => server.asked.map(({ verb, resource }) => `${verb} ${resource}`),
  }
}

/** Waits until it holds, for at most ten seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    // Detects what never comes; a loaded machine takes seconds for what takes milliseconds elsewhere.
    if (tries > 3000) throw new Error(`not yet: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
