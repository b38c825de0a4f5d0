import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, describe, expect, it, vi } from 'vitest'

import { openServices } from '../../../../src/cli/operation/agent-services.ts'
import { agentSettings } from '../../../../src/cli/operation/agent-settings.ts'
import { made } from '../../kubernetes/attachment/attachments.ts'
import { fakeNode } from '../../kubernetes/node.ts'
import { rulesOf, world } from '../../kubernetes/world.ts'
import { temporary } from '../../temporary.ts'

const csi = { 'csi-endpoint': 'unix:///run/csi.sock' }

it.each([
  ['eviction without Kubernetes', { ...csi, 'evict-broken': true }, 'requires --kubernetes'],
  ['Kubernetes without a CSI socket', { kubernetes: true }, 'requires --csi-endpoint'],
  ['Kubernetes outside of a pod', { ...csi, kubernetes: true }, 'KUBERNETES_SERVICE_HOST is not set'],
])('%s is refused', async (_, options, message) => {
  await expect(agentSettings(options)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(message),
  })
})

it('without --kubernetes, the agent neither reports to Kubernetes nor evicts pods', async () =>
  expect((await agentSettings(csi)).kubernetes).toBeNull())

describe('the Kubernetes witness', () => {
  const account = (port: number, cert: string) => {
    const directory = temporary()
    writeFileSync(join(directory, 'token'), 'token-1')
    writeFileSync(join(directory, 'ca.crt'), cert)
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '127.0.0.1')
    vi.stubEnv('KUBERNETES_SERVICE_PORT', String(port))
    vi.stubEnv('LUNKEEPER_SERVICE_ACCOUNT', directory)
  }
  afterEach(() => vi.unstubAllEnvs())

  it('is absent without a service account, and without a CSI socket', async () => {
    expect((await agentSettings(csi)).witness).toBeNull()
    account(443, 'x')
    expect((await agentSettings({})).witness).toBeNull()
  })

  it('asks the API server while the services run; any answer other than "mine" means "gone"', async () => {
    const own = made('h', 'node-1', { uid: 'uid-1' })
    const { server } = await world({ attachments: [own] }, rulesOf('agent'))
    account(server.port, server.cert)
    const { host } = fakeNode()
    const { signal } = new AbortController()
    const settings = await agentSettings({ 'csi-endpoint': `unix://${join(temporary(), 'csi.sock')}` })
    const services = await openServices(host, settings, { signal, say: () => {} })
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
    await services[Symbol.asyncDispose]()
    expect(host.witnesses.kubernetes).toBeNull()
  })

  it('is removed again if a later service cannot be opened', async () => {
    const { server } = await world({ attachments: [] }, rulesOf('agent'))
    account(server.port, server.cert)
    const { host } = fakeNode()
    const { signal } = new AbortController()
    const settings = await agentSettings({
      'csi-endpoint': `unix://${join(temporary(), 'csi.sock')}`,
      http: `127.0.0.1:${server.port}`,
    })
    await expect(openServices(host, settings, { signal, say: () => {} })).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    expect(host.witnesses.kubernetes).toBeNull()
  })
})
