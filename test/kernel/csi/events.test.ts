import { describe, expect } from 'vitest'

import type { LabNode } from '../../../lab/index.ts'
import { patient } from '../../../lab/index.ts'
import { validateAsked } from '../../api-server/schemas.ts'
import { Agent } from '../agent.ts'
import { isEverything, kernels, lunkeeper } from '../node.ts'
import { expectNoError, Writer } from '../writer.ts'
import type { Seen } from './api.ts'
import { onShopNode } from './fixtures.ts'
import { startDriver, targetPath } from './kubelet.ts'
import type { Shop } from './told.ts'
import { condition, messageOf, on, ON_BOTH, POD } from './told.ts'

describe.each(kernels('trixie'))('the agent reports an outage to Kubernetes (%s)', (debian) => {
  const it = onShopNode({ debian })

  const evicting = (shop: Shop) => (node: LabNode) =>
    startDriver(node, shop.api.env, ['--kubernetes', '--evict-broken'])

  it('an outage makes events of volume and pod and a condition while it lasts, and a new agent repeats none of it', async ({
    target,
    shop,
  }) => {
    const agent = await shop.agent()
    const { writer } = await shop.used(target, '300s')
    await shop.until('a node without a problem', (seen) => condition(seen)?.status === 'False')
    await target.disable()
    const waiting = await shop.told('IOWaiting')
    expect(waiting.events[0]!.message).toMatch(/I\/O is held until 2\d{3}-/)
    const { message } = (await shop.until('the condition', (seen) => condition(seen)?.status === 'True'))
      .conditions[1]!
    expect(message).toMatch(/^I\/O of 1 volume is held because the storage is away: csi-pv-\w+ until 2/)
    const { asked } = await shop.api.seen()
    await agent.kill()
    await agent.start()
    await shop.nextAgent(asked.length)
    await target.enable()
    const back = await shop.told('IOResumed')
    await writer.resumes(30_000, 5)
    expect(back.events.map(({ reason, type, count }) => `${type} ${reason} ${count}`)).toEqual([
      'Warning IOWaiting 1',
      'Warning IOWaiting 1',
      'Normal IOResumed 1',
      'Normal IOResumed 1',
    ])
    await shop.until('the end of the condition', (seen) => condition(seen)?.status === 'False')
    await expectNoError(writer)
    await agent.stop()
    const last = await shop.api.seen()
    expect(condition(last)).toMatchObject({ status: 'Unknown', reason: 'AgentStopped' })
    validateAsked(last.asked, last.events)
    expect(last.asked.filter(({ status }) => status === 403)).toEqual([])
  })

  it('the end of a hold tells the pod what to do, evicts it only with the flag, and all is well afterwards', async ({
    node,
    target,
    shop,
  }) => {
    const agent = await shop.agent()
    const { volume, writer } = await shop.used(target, '3s')
    await target.disable()
    await shop.told('IOFailed')
    await shop.until('the condition', (seen) => condition(seen)?.reason === 'VolumesFailed')
    await shop.breaks(writer)
    await target.enable()
    await shop.told('FileSystemBroken')
    await writer.stop()
    await node.sh('sleep 4')
    const unasked = await shop.api.seen()
    expect(unasked.asked.filter(({ resource }) => resource === 'pods/eviction')).toEqual([])
    expect(unasked.pods).toHaveLength(1)
    await agent.stop()
    expect(condition(await shop.api.seen())).toMatchObject({
      status: 'True',
      message: expect.stringContaining('the agent has stopped'),
    })

    await agent.start(evicting(shop))
    const evicted = await shop.told('PodEvicted')
    expect(evicted.pods).toEqual([])
    expect(evicted.asked.filter(({ resource }) => resource === 'pods/eviction')).toHaveLength(1)
    await shop.kubelet.unpublish(volume, POD.uid)
    await shop.until('a volume that is well', (seen) => on(seen, 'VolumeUsableAgain').includes(ON_BOTH[0]!))
    await shop.until('the end of the condition', (seen) => condition(seen)?.status === 'False')
    await shop.kubelet.publish(volume, 'pod-b')
    const next = await Writer.start(node, `${targetPath('pv', 'pod-b')}/other`)
    await expectNoError(next)
    await shop.kubelet.release(volume, 'pod-b')
  })

  it.runIf(isEverything)(
    'another volume that answers and a hold that is about to end are reported, until the hold is extended',
    async ({ node, target, shop }) => {
      await shop.agent()
      const { volume, writer } = await shop.used(target, '50s')
      await target.disable()
      await shop.told('IOWaiting')
      const [own] = target.luns
      await target.unmap(5, { keep: true })
      await target.map(5, { serial: 'dddd5', bytes: 64 << 20, name: 'foreign' })
      const foreign = await target.hash(5)
      await target.enable()
      const strange = await shop.told('NotTheVolume')
      // What the other volume reports about itself does not concern a pod.
      expect(messageOf(strange, 'NotTheVolume')).toMatch(
        /nothing is written to it \(.*is (?:not )?the expected volume/,
      )
      expect(messageOf(strange, 'NotTheVolume', 'Pod')).toMatch(/nothing is written to it$/)
      expect(on(strange, 'IOFailingSoon')).toEqual([])
      const soon = await shop.told('IOFailingSoon')
      const { name, hold } = (await lunkeeper(node).volumes())[0]!
      expect(messageOf(soon, 'IOFailingSoon')).toContain(`I/O fails at ${hold.deadline}`)
      // Long enough for a user to act.
      expect(Date.parse(hold.deadline!) - Date.now()).toBeGreaterThan(5_000)
      const command = /lunkeeper (hold \S+ --set) 2h/.exec(messageOf(soon, 'IOFailingSoon'))![1]!
      expect(command).toBe(`hold ${name} --set`)
      const set = await lunkeeper(node).run([...command.split(' '), '2h'])
      expect(set.code, set.stderr).toBe(0)
      await node.sh(`sleep ${Math.ceil((Date.parse(hold.deadline!) - Date.now()) / 1000) + 2}`)
      expect(writer.errors).toBe(0)
      expect(await target.hash(5)).toBe(foreign)
      await target.unmap(5)
      await target.map(5, { name: own!.name, bytes: own!.bytes })
      const back = await shop.told('IOResumed')
      await writer.resumes(30_000, 5)
      await expectNoError(writer)
      expect(on(back, 'IOFailed')).toEqual([])
      expect(back.events.map(({ count }) => count)).toEqual(back.events.map(() => 1))
      validateAsked(back.asked, back.events)
      await shop.kubelet.release(volume, POD.uid)
    },
  )

  it.runIf(isEverything)(
    'an eviction that a disruption budget refuses is reported, and tried again until it succeeds',
    async ({ node, target, shop }) => {
      await Agent.start(node, evicting(shop))
      const { volume, writer } = await shop.used(target, '3s')
      await shop.api.seen({ budget: true })
      await target.disable()
      await shop.told('IOFailed')
      await shop.breaks(writer)
      await target.enable()
      await shop.told('FileSystemBroken')
      const refusals = ({ asked }: Seen) =>
        asked.filter(({ resource, status }) => resource === 'pods/eviction' && status === 429)
      const refused = await shop.told('PodEvictionRefused')
      expect(messageOf(refused, 'PodEvictionRefused', 'Pod')).toContain('disruption budget')
      const again = await shop.until('a third refusal', (seen) => refusals(seen).length >= 3)
      // It is not requested at every look, once a second; and there is only one event.
      const [first, , third] = refusals(again).map(({ at }) => at)
      expect(third! - first!).toBeGreaterThan(2_000)
      expect(again.pods).toHaveLength(1)
      expect(
        again.events.filter(({ reason }) => reason === 'PodEvictionRefused').map(({ count }) => count),
      ).toEqual([1, 1])
      await writer.stop()
      await shop.api.seen({})
      const evicted = await shop.told('PodEvicted')
      expect(evicted.pods).toEqual([])
      validateAsked(evicted.asked, evicted.events)
      await shop.kubelet.unpublish(volume, POD.uid)
      await shop.until('a volume that is well', (seen) => on(seen, 'VolumeUsableAgain').includes(ON_BOTH[0]!))
      await shop.kubelet.unstage(volume)
    },
  )

  it('an API server that hangs delays neither a hold nor a return nor an end', async ({
    node,
    target,
    shop,
  }) => {
    await shop.api.seen({ hang: true })
    const agent = await Agent.start(node, evicting(shop))
    const { volume, writer } = await shop.used(target, '20s')
    await target.disable()
    await agent.errors(/all paths lost/)
    const lost = Date.now()
    // For half of its hold, while the server is asked.
    await node.sh('sleep 2')
    expect((await shop.api.seen()).asked.length).toBeGreaterThan(0)
    const enabled = Date.now()
    await target.enable()
    await agent.errors(/I\/O resumed after/)
    expect(Date.now() - enabled).toBeLessThan(patient(3_000))
    expect(writer.errors).toBe(0)
    expect(enabled - lost).toBeLessThan(20_000)
    await writer.resumes(10_000)
    await target.disable()
    await agent.errors(/all paths lost[^]*all paths lost/)
    const again = Date.now()
    await agent.errors(/the hold of 20 s is over/)
    expect(Math.abs(Date.now() - again - 20_000)).toBeLessThan(patient(1_500))
    await writer.stop()
    await target.enable()
    await shop.kubelet.unpublish(volume, POD.uid)
    const stopping = Date.now()
    await agent.stop()
    expect(Date.now() - stopping).toBeLessThan(patient(10_000))
  })
})
