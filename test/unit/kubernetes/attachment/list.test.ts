import { expect, it } from 'vitest'

import { openApi } from '../../../../src/kubernetes/api/client.ts'
import { attachmentName, findAttachments } from '../../../../src/kubernetes/attachment/list.ts'
import { rulesOf, world } from '../world.ts'
import { DRIVER, made } from './attachments.ts'

const { signal } = new AbortController()
const volume = { driver: DRIVER, volumeHandle: 'h' }

it('a name is what Kubernetes makes of handle, driver and node', () => {
  // printf h1drivern1 | sha256sum
  expect(attachmentName('h1', 'driver', 'n1')).toBe(
    'csi-4743bce725c3d3391a6e1fdad42a90175b67088952760f893deaa8b0a2edfc7a',
  )
})

it('attachments of the volume and no other are read, from all pages', async () => {
  const others = Array.from({ length: 1200 }, (_, n) => made(`other-${n}`, 'node-1'))
  const attachments = [
    ...others,
    made('h', 'node-1', { attached: true, nodeId: 'id-1' }),
    made('h', 'node-2', { deletedAt: '2026-11-20T23:00:00Z', createdAt: '2026-11-20T22:00:05Z' }),
    made('h', 'node-1', { driver: 'other.driver' }),
  ]
  const { server, account } = await world({ attachments }, rulesOf('controller'))
  using api = openApi(account)
  const found = await findAttachments(api, volume, signal)
  expect(found.toSorted((a, b) => (a.node < b.node ? -1 : 1))).toEqual([
    {
      name: attachmentName('h', DRIVER, 'node-1'),
      uid: 'uid-node-1',
      node: 'node-1',
      nodeId: 'id-1',
      volume: 'orders',
      attached: true,
      isEnding: false,
      createdAt: '2026-11-20T22:00:00Z',
    },
    {
      name: attachmentName('h', DRIVER, 'node-2'),
      uid: 'uid-node-2',
      node: 'node-2',
      nodeId: 'node-2',
      volume: 'orders',
      attached: false,
      isEnding: true,
      createdAt: '2026-11-20T22:00:05Z',
    },
  ])
  expect(server.asked).toHaveLength(3)
  expect(server.asked.every(({ path }) => !path.includes('resourceVersion'))).toBe(true)
})

it('a list that breaks off half-way is not used', async () => {
  const attachments = Array.from({ length: 600 }, (_, n) => made(`other-${n}`, 'node-1'))
  const { server, account } = await world({ attachments }, rulesOf('controller'))
  using api = openApi(account)
  const asked = api.ask.bind(api)
  const breaking = {
    ...api,
    ask: async (...call: Parameters<typeof asked>) => {
      const answer = await asked(...call)
      server.mood = { status: 410 }
      return answer
    },
  }
  await expect(findAttachments(breaking, volume, signal)).rejects.toThrow(/410/)
})
