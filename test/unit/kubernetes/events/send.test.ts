import { expect, it } from 'vitest'

import { openApi } from '../../../../src/kubernetes/api/client.ts'
import type { ApiObject } from '../../../../src/kubernetes/api/objects.ts'
import type { VolumeEvent } from '../../../../src/kubernetes/events/volume-event.ts'
import { sendEvent } from '../../../../src/kubernetes/events/send.ts'
import { validateAsked } from '../../../api-server/schemas.ts'
import { world } from '../world.ts'

const { signal } = new AbortController()
const volume: ApiObject = { kind: 'PersistentVolume', name: 'orders', namespace: null, uid: 'pv-uid' }
const pod: ApiObject = { kind: 'Pod', name: 'shop-1', namespace: 'shop', uid: 'pod-uid' }
const event = (id: string, more: Partial<VolumeEvent> = {}): VolumeEvent => ({
  reason: 'IOWaiting',
  type: 'Warning',
  message: `since ${id}`,
  detail: 'the serial of another volume',
  id,
  ...more,
})
const first = new Date('2026-11-21T10:00:00.400Z')
const last = new Date('2026-11-21T10:00:05.900Z')
const counted = (id: string, count = 1, more: Partial<VolumeEvent> = {}) => ({
  event: event(id, more),
  count,
  first,
  last,
})

it('an event is one of the core API, where kubectl describe looks for it', async () => {
  const { server, account } = await world()
  using api = openApi(account)
  await sendEvent(api, volume, counted('a'), 'node-1', signal)
  await sendEvent(api, pod, counted('a'), 'node-1', signal)
  validateAsked(server.asked, server.events.values())
  expect([...server.events.values()]).toMatchObject([
    {
      metadata: { namespace: 'default' },
      involvedObject: { kind: 'PersistentVolume', name: 'orders', uid: 'pv-uid' },
      reason: 'IOWaiting',
      type: 'Warning',
      message: 'since a (the serial of another volume)',
      count: 1,
      firstTimestamp: '2026-11-21T10:00:00Z',
      lastTimestamp: '2026-11-21T10:00:05Z',
      source: { component: 'lunkeeper', host: 'node-1' },
    },
    // A user who can see the pod need not see details of another volume.
    { metadata: { namespace: 'shop' }, involvedObject: { kind: 'Pod', uid: 'pod-uid' }, message: 'since a' },
  ])
})

it('a repeated event is counted and updated, and an outage is reported once by all agents together', async () => {
  const { server, account, verbs } = await world()
  using api = openApi(account)
  for (const [id, count] of [
    ['a', 1],
    ['a', 1],
    ['b', 3],
    ['b', 1],
  ] as const)
    await sendEvent(api, volume, counted(id, count), 'node-1', signal)
  expect([...server.events.values()]).toMatchObject([
    { count: 4, message: expect.stringContaining('since b') },
  ])
  expect(verbs().filter((verb) => verb === 'patch events')).toHaveLength(1)
  await sendEvent(api, volume, counted('b', 1, { reason: 'IOResumed' }), 'node-1', signal)
  await sendEvent(api, volume, counted('b'), 'node-2', signal)
  expect(server.events.size).toBe(3)
})

it('a refusal is thrown, and a long message is cut', async () => {
  const { server, account } = await world({}, [])
  using api = openApi(account)
  await expect(sendEvent(api, pod, counted('a'), 'node-1', signal)).rejects.toThrow(/403: cannot create/)
  expect(server.events.size).toBe(0)
  const open = await world()
  using allowed = openApi(open.account)
  await sendEvent(allowed, pod, counted('a', 1, { message: 'x'.repeat(5_000) }), 'node-1', signal)
  expect([...open.server.events.values()][0].message).toHaveLength(1_024)
})
