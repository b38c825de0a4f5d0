import { describe, expect } from 'vitest'

import type { OwnerReport } from '../../../src/index.ts'
import type { LabNode, Target } from '../../../lab/index.ts'
import { made } from '../../unit/kubernetes/attachment/attachments.ts'
import { rulesOf } from '../../unit/kubernetes/world.ts'
import { Agent } from '../agent.ts'
import { onNode } from '../fixtures.ts'
import { kernels, lunkeeper } from '../node.ts'
import { SEEN_MS } from '../volume.ts'
import { expectNoError, Writer } from '../writer.ts'
import { Api } from './api.ts'
import {
  claimOf,
  expectNothingPublished,
  Kubelet,
  staging,
  stagingPath,
  startDriver,
  targetPath,
} from './kubelet.ts'

describe.each(kernels('bookworm'))(
  'a target returns while the Kubernetes API does not answer (%s)',
  (debian) => {
    const it = onNode({ debian, memory: 768, luns: [{ lun: 5, serial: 'c515', name: 'ours' }] })

    /** The volume as Kubernetes has attached it to this node. */
    function given(uid: string) {
      const attachment = made('pv-orders', 'node-1', { uid, attached: true })
      const publishContext = {
        'lunkeeper.dev/attachment': attachment.metadata.name,
        'lunkeeper.dev/attachment-uid': uid,
      }
      return { attachment, more: { publishContext } }
    }

    /** A pod that writes, during an outage, to a volume that Kubernetes has given to this node; the API is away, too. */
    async function heldWithoutApi(node: LabNode, target: Target) {
      const api = await Api.start(node, { node: 'node-1', pods: [], volumes: [] }, rulesOf('agent'))
      const agent = await Agent.start(node, (on) => startDriver(on, api.env))
      const kubelet = await Kubelet.start(node)
      const orders = claimOf(target, 'pv-orders', { hold: '280s' })
      const { attachment, more } = given('1b4e28ba-2fa1-11d2-883f-0016d3cca427')
      await api.attach([attachment])
      await node.mkdir(stagingPath(orders.volumeId))
      // A kubelet repeats the call: on a busy machine the API's answer may come too late.
      await node.until(
        async () =>
          (await kubelet.ask('nodeStageVolume', { ...staging(orders), ...more })).code === undefined,
        { deadline: SEEN_MS, what: 'a staged volume' },
      )
      await kubelet.publish(orders, 'pod', more)
      const writer = await Writer.start(node, `${targetPath('pv-orders', 'pod')}/file`)
      await target.disable()
      await agent.errors(/all paths lost/)
      await api.seen({ status: 503 })
      return { api, agent, kubelet, orders, writer }
    }

    it('a volume that no reservation guards waits for the API, and resumes when it answers', async ({
      node,
      target,
    }) => {
      await target.disableReservations(5)
      const { api, agent, kubelet, orders, writer } = await heldWithoutApi(node, target)
      const before = await target.hash(5)
      await target.enable()
      await agent.errors(/the Kubernetes API does not answer/, SEEN_MS)
      const [volume] = await lunkeeper(node).volumes()
      expect(volume).toMatchObject({
        state: 'holding',
        owner: { guard: expect.not.stringMatching('reservation') },
      })
      expect(await target.hash(5)).toBe(before)
      await api.seen({})
      await agent.errors(/I\/O resumed/, SEEN_MS)
      await writer.resumes(SEEN_MS)
      // A shell in the agent's container can ask; any other shell reports that it cannot.
      const asked = async (env: Readonly<Record<string, string>>) => {
        const ended = await lunkeeper(node).run(['owner', volume!.name, '--json'], env)
        expect(ended.code, ended.stderr).toBe(0)
        return (JSON.parse(ended.stdout) as OwnerReport).witnesses.kubernetes
      }
      expect(await asked(api.env)).toBe('mine')
      expect(await asked({})).toBe('unreachable')
      await expectNoError(writer)
      await kubelet.release(orders, 'pod')
      await expectNothingPublished(node)
    })

    it('a volume that Kubernetes has taken away and given to this node again is not written to with what waited', async ({
      node,
      target,
    }) => {
      const { api, agent, kubelet, orders, writer } = await heldWithoutApi(node, target)
      await api.seen({})
      const { attachment, more } = given('6fa459ea-ee8a-11d2-90d4-0016d3cca427')
      await api.attach([attachment])
      await kubelet.fails(
        'nodeStageVolume',
        { ...staging(orders), ...more },
        'Unavailable',
        /attached it to this node again/,
      )
      // What is left if another node has had the volume in between: no reservation at all.
      await target.unmap(5, { keep: true })
      await target.map(5, { name: 'ours' })
      const before = await target.hash(5)
      await target.enable()
      await agent.errors(/Kubernetes has given the volume away/, SEEN_MS)
      await writer.fails(SEEN_MS)
      await writer.stop()
      expect((await lunkeeper(node).volumes())[0]).toMatchObject({ state: 'fenced' })
      expect(await target.hash(5)).toBe(before)
      await kubelet.release(orders, 'pod')
      await expectNothingPublished(node)
      expect(await target.hash(5)).toBe(before)
    })

    it('a volume that a reservation guards does not wait for it', async ({ node, target }) => {
      const { agent, kubelet, orders, writer } = await heldWithoutApi(node, target)
      await target.enable()
      await agent.errors(/I\/O resumed/, SEEN_MS)
      await writer.resumes(SEEN_MS)
      expect(agent.process.stderr).not.toMatch(/the Kubernetes API does not answer/)
      await expectNoError(writer)
      await kubelet.release(orders, 'pod')
      await expectNothingPublished(node)
    })
  },
)
