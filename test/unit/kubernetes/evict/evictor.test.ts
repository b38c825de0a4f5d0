import { expect, it, onTestFinished, vi } from 'vitest'

import { openApi } from '../../../../src/kubernetes/api/client.ts'
import { NodePods } from '../../../../src/kubernetes/api/node-pods.ts'
import { Evictor } from '../../../../src/kubernetes/evict/evictor.ts'
import { validateAsked } from '../../../api-server/schemas.ts'
import type { State } from '../../../api-server/server.ts'
import { pod, rulesOf, until, world } from '../world.ts'

const { signal } = new AbortController()

async function evictor(pods: State['pods'], uids: readonly string[]) {
  const there = await world({ pods }, [...rulesOf('events'), ...rulesOf('evict')])
  const api = openApi(there.account)
  onTestFinished(() => api[Symbol.dispose]())
  const told: string[] = []
  const one = new Evictor(api, new NodePods(api, 'node-1'), there.say)
  const broken = {
    outage: 'a',
    pods: uids,
    report: (uid: string, { reason }: { reason: string }) => told.push(`${uid} ${reason}`),
  }
  const evictions = () => there.server.asked.filter(({ resource }) => resource === 'pods/eviction')
  return { ...there, told, evictions, broken, look: () => one.process([broken], signal), one }
}

it('each pod is evicted once, by its uid, and nothing is deleted', async () => {
  const { look, server, told, evictions, log } = await evictor(
    [pod('a-0', 'uid-a', 'StatefulSet'), pod('d-1', 'uid-d', 'DaemonSet'), pod('other', 'uid-o')],
    ['uid-a', 'uid-d', 'uid-gone'],
  )
  await look()
  await look()
  expect(told).toEqual(['uid-a PodEvicted', 'uid-d PodEvicted'])
  expect(evictions()).toHaveLength(2)
  expect(evictions()[0]!.body).toEqual({
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name: 'a-0', namespace: 'shop' },
    deleteOptions: { preconditions: { uid: 'uid-a' } },
  })
  expect(server.pods.map(({ metadata }) => metadata.name)).toEqual(['other'])
  validateAsked(server.asked, [])
  expect(log).toHaveLength(2)
})

it('a pod is evicted once, also if a list that is a moment old still shows it', async () => {
  const { look, server, evictions } = await evictor([pod('a-0', 'uid-a')], ['uid-a'])
  await look()
  server.pods.push(pod('a-0', 'uid-a'))
  const real = performance.now.bind(performance)
  const later = vi.spyOn(performance, 'now').mockImplementation(() => real() + 60_000)
  onTestFinished(() => later.mockRestore())
  await look()
  expect(evictions()).toHaveLength(1)
})

it('a successor of the same name is another pod, and stays', async () => {
  const { look, server, told, evictions, one, broken } = await evictor(
    [pod('a-0', 'uid-a')],
    ['uid-a', 'uid-b'],
  )
  server.pods[0] = pod('a-0', 'uid-a')
  await one.process([{ ...broken, pods: [] }], signal)
  // It is replaced between the list and the eviction.
  const decide = server.pods
  server.mood = { slow: 150 }
  const looking = look()
  await until('the list is on its way', () => server.asked.length === 1)
  decide[0] = pod('a-0', 'uid-new')
  server.mood = {}
  await looking
  expect(evictions().map(({ status }) => status)).toEqual([409])
  expect(server.pods.map(({ metadata }) => metadata.uid)).toEqual(['uid-new'])
  expect(told).toEqual([])
})

it('a refusal by a disruption budget is reported, and the eviction tried again later', async () => {
  const { look, server, told, evictions } = await evictor([pod('a-0', 'uid-a')], ['uid-a'])
  server.mood = { budget: true }
  await look()
  await look()
  expect(evictions().map(({ status }) => status)).toEqual([429])
  expect(told).toEqual(['uid-a PodEvictionRefused'])
  server.mood = {}
  await until('the pause is over', () => (void look(), told.includes('uid-a PodEvicted')))
  expect(server.pods).toEqual([])
})

it('a pod without a controller stays, with a reason, and one that is terminating is left alone', async () => {
  const ending = pod('b', 'uid-b')
  const { look, server, told, evictions } = await evictor(
    [
      pod('bare', 'uid-a', null),
      { metadata: { ...ending.metadata, deletionTimestamp: '2026-11-21T10:00:00Z' } },
    ],
    ['uid-a', 'uid-b'],
  )
  await look()
  await look()
  expect(evictions()).toEqual([])
  expect(told).toEqual(['uid-a PodNotEvicted'])
  expect(server.pods).toHaveLength(2)
})

it('without the role no pod is evicted, which is reported once', async () => {
  const there = await world({ pods: [pod('a-0', 'uid-a')] })
  using api = openApi(there.account)
  const one = new Evictor(api, new NodePods(api, 'node-1'), there.say)
  const broken = [{ outage: 'a', pods: ['uid-a'], report: () => expect.unreachable() }]
  for (let n = 0; n < 60; n++) {
    await one.process(broken, signal)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  expect(there.log).toHaveLength(1)
  expect(there.log[0]).toContain('403')
  expect(there.server.pods).toHaveLength(1)
})
