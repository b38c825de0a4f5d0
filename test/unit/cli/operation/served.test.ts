import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, describe, expect, it, vi } from 'vitest'

import { servedOf, services } from '../../../../src/cli/operation/serve.ts'
import { made } from '../../kubernetes/attachment/attachments.ts'
import { fakeNode } from '../../kubernetes/node.ts'
import { rulesOf, world } from '../../kubernetes/world.ts'
import { temporary } from '../../temporary.ts'

const csi = { 'csi-endpoint': 'unix:///run/csi.sock' }

it.each([
  ['eviction without Kubernetes', { ...csi, 'evict-broken': true }, 'requires --kubernetes'],
  ['Kubernetes without its volumes', { kubernetes: true }, 'requires --csi-endpoint'],
  ['Kubernetes where there is none', { ...csi, kubernetes: true }, 'KUBERNETES_SERVICE_HOST is not set'],
])('%s is refused', async (_, options, message) => {
  await expect(servedOf(options)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(message),
  })
})

it('reports to Kubernetes and evictions are off by default', async () =>
  expect((await servedOf(csi)).kubernetes).toBeNull())

describe("who is asked whether a volume is still this node's", () => {
  const account = (port: number, cert: string) => {
    const directory = temporary()
    writeFileSync(join(directory, 'token'), 'token-1')
    writeFileSync(join(directory, 'ca.crt'), cert)
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '127.0.0.1')
    vi.stubEnv('KUBERNETES_SERVICE_PORT', String(port))
    vi.stubEnv('LUNKEEPER_SERVICE_ACCOUNT', directory)
  }
  afterEach(() => vi.unstubAllEnvs())

  it('no witness, where there is no service account, or no volume of Kubernetes', async () => {
    expect((await servedOf(csi)).witness).toBeNull()
    account(443, 'x')
    expect((await servedOf({})).witness).toBeNull()
  })

  it('the API server, as long as the agent serves; what is not "mine" and was said by it is "gone"', async () => {
    const own = made('h', 'node-1', { uid: 'uid-1' })
    const { server } = await world({ attachments: [own] }, rulesOf('agent'))
    account(server.port, server.cert)
    const { host } = fakeNode()
    const { signal } = new AbortController()
    const served = await servedOf({ 'csi-endpoint': `unix://${join(temporary(), 'csi.sock')}` })
    const around = await services(host, served, { signal, say: () => {} })
    const ask = () => host.witnesses.kubernetes?.({ attachment: own.metadata.name, uid: 'uid-1' })
    expect(await ask()).toBe('mine')
    server.mood = { status: 500 }
    expect(await ask()).toBe('unreachable')
    server.mood = {}
    for (const attachments of [
      [],
      [made('h', 'node-1', { uid: 'uid-2' })],
      [made('h', 'node-1', { uid: 'uid-1', deletedAt: '2026-11-20T23:00:00Z' })],
    ]) {
      server.attachments = attachments
      expect(await ask()).toBe('gone')
    }
    await around[Symbol.asyncDispose]()
    expect(host.witnesses.kubernetes).toBeNull()
  })
})
