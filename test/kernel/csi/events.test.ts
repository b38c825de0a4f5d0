import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../../lab/index.ts'
import { Lab } from '../../../lab/index.ts'
import { validateAsked } from '../../api-server/schemas.ts'
import { rulesOf } from '../../unit/kubernetes/world.ts'
import { kernels } from '../node.ts'
import { Writer } from '../writer.ts'
import type { Seen } from './api.ts'
import { Api } from './api.ts'
import type { Claim } from './kubelet.ts'
import { Kubelet, mountable, startDriver, targetPath } from './kubelet.ts'

const POD = { name: 'shop-0', namespace: 'shop', uid: 'pod-a' }
const STATE = {
  node: 'node-1',
  pods: [{ metadata: { ...POD, ownerReferences: [{ kind: 'StatefulSet', controller: true }] } }],
  volumes: [{ metadata: { name: 'orders', uid: 'pv-uid' } }],
}
const ON_BOTH = ['PersistentVolume orders', 'Pod shop-0']

describe.each(kernels('trixie'))('what Kubernetes is told of an outage (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let agent: LabProcess
  let kubelet: Kubelet
  let api: Api
  let writer: Writer

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian, memory: 768 })
  })
  afterAll(() => lab?.close())
  beforeEach(async () => {
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.map(5, { serial: 'c515', bytes: 64 << 20 })
    api = await Api.start(node, STATE, [...rulesOf('events'), ...rulesOf('evict')])
  })
  afterEach(() => node.reset())

  const start = (...more: string[]) => startDriver(node, api.env, ['--kubernetes', ...more])

  /** A pod that writes to its volume. */
  async function used(hold: string): Promise<Claim> {
    kubelet = await Kubelet.start(node)
    const volume: Claim = {
      volumeId: 'pv',
      volumeContext: { targetPortal: '127.0.0.1', iqn: target.iqn, lun: '5', hold },
      volumeCapability: mountable(),
    }
    await kubelet.stage(volume)
    const at = targetPath('pv', POD.uid)
    await node.mkdir(at.replace(/\/mount$/, ''))
    const data = { driverName: 'iscsi.csi.lunkeeper', volumeHandle: 'pv', specVolID: 'orders' }
    await node.write(at.replace(/mount$/, 'vol_data.json'), JSON.stringify(data))
    await kubelet.publish(volume, POD.uid)
    writer = await Writer.start(node, `${at}/file`)
    return volume
  }

  const on = ({ events }: Seen, reason: string) =>
    events
      .filter((event) => event.reason === reason)
      .map(({ involvedObject: { kind, name } }) => `${kind} ${name}`)
      .toSorted()
  const condition = ({ conditions }: Seen) => conditions.find(({ type }) => type === 'IscsiVolumeProblem')

  async function until(what: string, holds: (seen: Seen) => boolean): Promise<Seen> {
    let seen = await api.seen()
    await node.until(async () => holds((seen = await api.seen())), { deadline: 60_000, what })
    return seen
  }
  const told = (reason: string) => until(reason, (seen) => on(seen, reason).join() === ON_BOTH.join())

  it('an outage: events of volume and pod, a condition while it lasts; an agent in between tells nothing twice', async () => {
    agent = await start()
    await used('300s')
    await until('a node without a problem', (seen) => condition(seen)?.status === 'False')
    await target.disable()
    const waiting = await told('IOWaiting')
    expect(waiting.events[0]!.message).toMatch(/I\/O waits until 2\d{3}-/)
    const { message } = (await until('the condition', (seen) => condition(seen)?.status === 'True'))
      .conditions[1]!
    expect(message).toMatch(/^I\/O of 1 volume waits for its storage: csi-pv-\w+ until 2/)
    const { asked } = await api.seen()
    await agent.kill('SIGKILL')
    await agent.exited
    agent = await start()
    await until('the next agent', (seen) =>
      seen.asked.slice(asked.length).some(({ verb, resource }) => `${verb} ${resource}` === 'get events'),
    )
    await target.enable()
    const back = await told('IOResumed')
    await writer.goesOn(30_000, 5)
    expect(back.events.map(({ reason, type, count }) => `${type} ${reason} ${count}`)).toEqual([
      'Warning IOWaiting 1',
      'Warning IOWaiting 1',
      'Normal IOResumed 1',
      'Normal IOResumed 1',
    ])
    await until('the end of the condition', (seen) => condition(seen)?.status === 'False')
    await writer.stop()
    expect(writer.errors).toBe(0)
    await agent.kill('SIGTERM')
    await agent.exited
    const last = await api.seen()
    expect(condition(last)).toMatchObject({ status: 'Unknown', reason: 'AgentStopped' })
    validateAsked(last.asked, last.events)
    expect(last.asked.filter(({ status }) => status === 403)).toEqual([])
  })

  it('a hold that ends: its pod is told what to do; evicted only with the flag; then all is well', async () => {
    agent = await start()
    const volume = await used('3s')
    await target.disable()
    await told('IOFailed')
    await until('the condition', (seen) => condition(seen)?.reason === 'VolumesFailed')
    // What it writes now fails, and ext4 with it.
    await writer.fails(30_000)
    await node.until(
      async () => (await node.run(['sh', '-c', `touch ${targetPath('pv', POD.uid)}/$$`])).code !== 0,
      { deadline: 60_000, what: 'a broken file system' },
    )
    await target.enable()
    await told('FileSystemBroken')
    await writer.stop()
    await node.sh('sleep 4')
    const unasked = await api.seen()
    expect(unasked.asked.filter(({ resource }) => resource === 'pods/eviction')).toEqual([])
    expect(unasked.pods).toHaveLength(1)
    await agent.kill('SIGTERM')
    await agent.exited
    expect(condition(await api.seen())).toMatchObject({
      status: 'True',
      message: expect.stringContaining('the agent has stopped'),
    })

    agent = await start('--evict-broken')
    const evicted = await told('PodEvicted')
    expect(evicted.pods).toEqual([])
    expect(evicted.asked.filter(({ resource }) => resource === 'pods/eviction')).toHaveLength(1)
    await kubelet.unpublish(volume, POD.uid)
    await until('a volume that is well', (seen) => on(seen, 'VolumeUsableAgain').includes(ON_BOTH[0]!))
    await until('the end of the condition', (seen) => condition(seen)?.status === 'False')
    await kubelet.publish(volume, 'pod-b')
    const next = await Writer.start(node, `${targetPath('pv', 'pod-b')}/other`)
    await next.stop()
    expect(next.errors).toBe(0)
    await kubelet.unpublish(volume, 'pod-b')
    await kubelet.unstage(volume)
  })

  it('an API server that hangs delays no hold, no return and no end', async () => {
    await api.seen({ hang: true })
    agent = await start('--evict-broken')
    const volume = await used('5s')
    await target.disable()
    await agent.errors(/its last path is lost/)
    const lost = Date.now()
    // For half of its hold, with the server asked meanwhile.
    await node.sh('sleep 2')
    expect((await api.seen()).asked.length).toBeGreaterThan(0)
    const enabled = Date.now()
    await target.enable()
    await agent.errors(/I\/O goes on after/)
    expect(Date.now() - enabled).toBeLessThan(3_000)
    expect(writer.errors).toBe(0)
    expect(enabled - lost).toBeLessThan(5_000)
    await writer.goesOn(10_000)
    await target.disable()
    await agent.errors(/its last path is lost[^]*its last path is lost/)
    const again = Date.now()
    await agent.errors(/the hold of 5 s is over/)
    expect(Math.abs(Date.now() - again - 5_000)).toBeLessThan(1_500)
    await writer.stop()
    await target.enable()
    await kubelet.unpublish(volume, POD.uid)
    const stopping = Date.now()
    await agent.kill('SIGTERM')
    await agent.exited
    expect(Date.now() - stopping).toBeLessThan(10_000)
  })
})
