import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'

import { removeHoldNote, writeHoldNote } from '../../../src/state/records/hold-note.ts'
import { serveKubernetes } from '../../../src/kubernetes/serve.ts'
import { validateAsked } from '../../api-server/schemas.ts'
import type { FakeNode } from './node.ts'
import { parseName } from '../../../src/model/name.ts'
import { parseKey } from '../../../src/model/reservation.ts'
import { fakeNode, NAME, published, staged } from './node.ts'
import type { World } from './world.ts'
import { pod, rulesOf, until, world } from './world.ts'

let there: World
let node: FakeNode

beforeEach(async () => {
  there = await world({ pods: [pod('shop-0', 'uid-a')] })
  node = fakeNode()
  node.record(guarded)
  node.mounts(published('uid-a'))
})

const guarded = { ...staged, fence: { key: parseKey('4c4b0000000100aa'), persists: true } }

function serve(evict = false): () => Promise<void> {
  const { account, say } = there
  const service = serveKubernetes(node.host, { account, node: 'node-1', evict, say })
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= Promise.resolve(service[Symbol.asyncDispose]()))
  onTestFinished(stop)
  return stop
}

const lost = (seconds = 0) => new Date(Date.now() - seconds * 1000).toISOString()
const waits = (since = lost(), more: object = {}) =>
  writeHoldNote(node.host, NAME, { since, ended: null, trouble: null, ...more })
const events = () =>
  [...there.server.events.values()].map(
    (event) => `${event.reason} ${event.involvedObject.kind} ${event.involvedObject.name} ${event.count}`,
  )
const told = (...wanted: string[]) =>
  until(`${wanted.join()}, not ${events().join()}`, () => wanted.every((one) => events().includes(one)))
const condition = () => there.server.conditions.find(({ type }) => type === 'IscsiVolumeProblem')
const quiet = () => new Promise((resolve) => setTimeout(resolve, 500))

describe('a service that tells Kubernetes', () => {
  it('of outages, with each verb that its role has, and no other', async () => {
    const stop = serve()
    await until('no problem', () => condition()?.status === 'False')
    waits()
    await told('IOWaiting PersistentVolume orders 1', 'IOWaiting Pod shop-0 1')
    await until('the condition', () => condition()?.status === 'True')
    expect(condition()?.message).toMatch(/csi-orders until 2/)
    removeHoldNote(node.host, NAME)
    await told('IOResumed PersistentVolume orders 1', 'IOResumed Pod shop-0 1')
    // Written after a pause: until then the condition of the first outage could be taken for that of the second.
    await until('no problem again', () => condition()?.status === 'False')
    waits()
    await told('IOWaiting PersistentVolume orders 2', 'IOWaiting Pod shop-0 2')
    await until('the condition again', () => condition()?.status === 'True')
    await stop()
    expect(condition()?.status).toBe('True')
    const granted = rulesOf('events').flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    )
    expect(new Set(there.verbs())).toEqual(new Set(granted))
    expect(there.server.asked.filter(({ status }) => status === 403)).toEqual([])
    validateAsked(there.server.asked, there.server.events.values())
  })

  it('of a volume that its target does not guard, once for each object', async () => {
    const publication = { attachment: 'csi-1', uid: 'uid-1' }
    node.record({ ...staged, publication })
    const stop = serve()
    await told('VolumeUnguarded PersistentVolume orders 1', 'VolumeUnguarded Pod shop-0 1')
    expect([...there.server.events.values()][0]!.message).toMatch(
      /only its VolumeAttachment.* keeps a second node from writing to it. I\/O is held for 5m at most/,
    )
    await stop()
    serve()
    await until('no problem', () => condition()?.status === 'False')
    await quiet()
    expect(events()).toEqual([expect.stringContaining(' 1'), expect.stringContaining(' 1')])
    validateAsked(there.server.asked, there.server.events.values())
  })

  it('of no guard that was left out on purpose', async () => {
    node.record({ ...staged, request: { ...staged.request, fence: 'off' } })
    serve()
    await until('no problem', () => condition()?.status === 'False')
    await quiet()
    expect(events()).toEqual([])
  })

  it('once, whichever agent does it', async () => {
    const stop = serve()
    waits()
    await told('IOWaiting PersistentVolume orders 1', 'IOWaiting Pod shop-0 1')
    await stop()
    serve()
    await until(
      'the next one has asked',
      () => there.verbs().filter((verb) => verb === 'get events').length === 2,
    )
    await quiet()
    expect(events()).toHaveLength(2)
    expect(there.verbs()).not.toContain('patch events')
  })

  it('of the end of an outage also where the pods have let go of the volume meanwhile', async () => {
    serve()
    waits()
    await told('IOWaiting PersistentVolume orders 1')
    node.mounts()
    removeHoldNote(node.host, NAME)
    await told('IOResumed PersistentVolume orders 1')
    expect(events()).not.toContain('IOResumed Pod shop-0 1')
  })

  it('of no return of a volume that was taken away', async () => {
    serve()
    waits()
    await told('IOWaiting PersistentVolume orders 1')
    node.record({ ...staged, phase: 'detaching' })
    removeHoldNote(node.host, NAME)
    await quiet()
    expect(events().join()).not.toContain('IOResumed')
  })

  it('that a hold is about to end, once', async () => {
    // Without a reservation its hold would be shorter than requested.
    node.record({ ...staged, fence: { key: parseKey('4c4b0000000100aa'), persists: false } })
    serve()
    waits(lost(500))
    await told('IOFailingSoon PersistentVolume orders 1', 'IOFailingSoon Pod shop-0 1')
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(events().filter((event) => event.startsWith('IOFailingSoon'))).toHaveLength(2)
    expect(there.verbs()).not.toContain('get events')
  })

  it('of a volume that was attached by hand no event, but it counts for the node', async () => {
    node.record({ ...staged, orchestrator: undefined })
    serve()
    waits()
    await until('the condition', () => condition()?.status === 'True')
    expect(there.verbs()).not.toContain('create events')
  })

  it('of no problem after a reboot, before its volumes are asked for again', async () => {
    const bare = fakeNode()
    bare.record({ ...staged, name: parseName('csi-others') })
    bare.session('FREE')
    node = bare
    serve()
    await until('the condition', () => condition()?.status === 'False')
  })
})

describe('the pods of a broken volume', () => {
  const broken = () => waits(lost(60), { ended: 'deadline', kind: 'broken', trouble: 'mounted at /x' })
  const evictions = () => there.verbs().filter((verb) => verb === 'create pods/eviction')
  beforeEach(async () => {
    there = await world({ pods: [pod('shop-0', 'uid-a')] }, [...rulesOf('events'), ...rulesOf('evict')])
  })

  it('are not evicted unless it is asked for, nor while its target is away', async () => {
    broken()
    const stop = serve()
    await told('FileSystemBroken Pod shop-0 1')
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    await stop()
    node.session('FAILED')
    serve(true)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(evictions()).toEqual([])
  })

  it('are evicted with the flag, which is reported', async () => {
    broken()
    serve(true)
    await told('PodEvicted PersistentVolume orders 1')
    expect(evictions()).toHaveLength(1)
    expect(there.server.pods).toEqual([])
  })

  it('are not evicted when the volume is back without their help, or only waits', async () => {
    waits(lost(60))
    serve(true)
    await told('IOWaiting Pod shop-0 1')
    waits(lost(60), { ended: 'deadline' })
    await told('IOFailed Pod shop-0 1')
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    waits(lost(60), { kind: 'stranger', trouble: 'another' })
    await told('NotTheVolume Pod shop-0 1')
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(evictions()).toEqual([])
  })
})

describe('nothing of it ends the agent', () => {
  it('a corrupt record', async () => {
    node.file('records/volumes/csi-orders.json', '{')
    const stop = serve()
    waits()
    await until('the condition', () => condition()?.status === 'False')
    await stop()
    expect(there.log.filter((line) => line.includes('Error'))).toEqual([])
  })

  it('a bug, which is only logged', async () => {
    serve()
    Object.defineProperty(node.host, 'paths', { get: () => expect.unreachable('a mistake') })
    waits()
    await until('it is said', () => there.log.some((line) => line.includes('a mistake')))
  })

  it('a server that hangs, which delays neither the look at holds nor the end', async () => {
    there.server.mood = { hang: true }
    const stop = serve()
    const started = performance.now()
    waits()
    await quiet()
    await stop()
    // The last write is given five seconds.
    expect(performance.now() - started).toBeLessThan(8_000)
  })
})
