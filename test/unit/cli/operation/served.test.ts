import { expect, it } from 'vitest'

import { servedOf } from '../../../../src/cli/operation/serve.ts'

const csi = { 'csi-endpoint': 'unix:///run/csi.sock' }

it.each([
  ['eviction without Kubernetes', { ...csi, 'evict-broken': true }, 'no --kubernetes'],
  ['Kubernetes without its volumes', { kubernetes: true }, 'without --csi-endpoint'],
  ['Kubernetes where there is none', { ...csi, kubernetes: true }, 'KUBERNETES_SERVICE_HOST is not set'],
])('%s is refused', async (_, options, message) => {
  await expect(servedOf(options)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(message),
  })
})

it('nobody is told, and nobody evicted, unless it is asked for', async () =>
  expect((await servedOf(csi)).kubernetes).toBeNull())
