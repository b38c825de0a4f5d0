import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect } from 'vitest'
import { parse } from 'yaml'

import type { LabNode, LabProcess } from '../../../lab/index.ts'
import { made } from '../../unit/kubernetes/attachment/attachments.ts'
import { rulesOf } from '../../unit/kubernetes/world.ts'
import { onTwoNodes } from '../fixtures.ts'
import { kernels, killAndWait } from '../node.ts'
import { Api } from './api.ts'
import { onCsiNode } from './fixtures.ts'
import type { Claim } from './kubelet.ts'
import {
  claimOf,
  expectNothingPublished,
  Kubelet,
  mountable,
  staging as stagingOf,
  stagingPath,
  startDriver,
  targetPath,
} from './kubelet.ts'

const CONTROLLER = '/run/controller/csi.sock'
const MIB = 1 << 20

/** The bytes that a manifest requests for its first container. */
function requested(manifest: string): number {
  const path = join(import.meta.dirname, '../../../deploy/kubernetes/base', manifest)
  const { spec } = parse(readFileSync(path, 'utf8')) as {
    spec: { template: { spec: { containers: { resources: { requests: { memory: string } } }[] } } }
  }
  return Number.parseInt(spec.template.spec.containers[0]!.resources.requests.memory, 10) * MIB
}

describe.each(kernels('bookworm'))('a controller publishes volumes (%s)', (debian) => {
  const it = onCsiNode({
    debian,
    memory: 768,
    after: 'keep',
    luns: [
      { lun: 5, serial: 'c515' },
      { lun: 6, serial: 'c616' },
    ],
  })

  /** An API server and a controller, and a client that calls the controller like Kubernetes. */
  async function cluster(node: LabNode) {
    const api = await Api.start(node, { node: 'node-1', pods: [], volumes: [] }, rulesOf('controller'))
    const controller = await node.start(
      ['lunkeeper', 'controller', '--csi-endpoint', `unix://${CONTROLLER}`],
      {
        env: api.env,
      },
    )
    await controller.errors(/csi: controller of iscsi\.csi\.lunkeeper/)
    return { api, controller, attacher: await Kubelet.start(node, CONTROLLER) }
  }

  const UNGUARDED = /no VolumeAttachment: Kubernetes does not keep other nodes from it/

  async function used(node: LabNode, kubelet: Kubelet, volume: Claim, more: object): Promise<void> {
    await kubelet.stage(volume, more)
    await kubelet.publish(volume, 'pod', more)
    const file = `${targetPath(volume.volumeId, 'pod')}/file`
    expect(await node.sh(`echo written > ${file} && sync ${file} && cat ${file}`)).toBe('written')
  }

  it('a volume is staged with its publish_context, and without it when it was in use before there was a controller', async ({
    node,
    target,
    agent,
    kubelet,
  }) => {
    const { api, controller, attacher } = await cluster(node)
    const first = made('pv-orders', 'node-1', { uid: '1b4e28ba-2fa1-11d2-883f-0016d3cca427' })
    const second = made('pv-orders', 'node-2', { createdAt: '2026-11-20T22:05:00Z' })
    await api.attach([first, second])
    const orders = claimOf(target, 'pv-orders')
    const asked = { volumeId: orders.volumeId, volumeCapability: orders.volumeCapability }
    await attacher.fails(
      'controllerPublishVolume',
      { ...asked, nodeId: 'node-2' },
      'FailedPrecondition',
      /OWNED_ELSEWHERE: .* node node-1/,
    )
    const { publishContext } = await attacher.ok<{ publishContext: Record<string, string> }>(
      'controllerPublishVolume',
      { ...asked, nodeId: 'node-1' },
    )
    expect(publishContext['lunkeeper.dev/attachment-uid']).toBe(first.metadata.uid)
    await used(node, kubelet, orders, { publishContext })
    expect(agent.process.stderr).not.toMatch(UNGUARDED)
    // While both controller and API are away, a node's work does not wait for them.
    await killAndWait(controller)
    await api.stop()
    const old = claimOf(target, 'pv-old', { lun: '6' })
    await used(node, kubelet, old, {})
    await agent.errors(UNGUARDED)
    // Like a restarted kubelet, once Kubernetes has made the attachment.
    await kubelet.stage(old, { publishContext })
    for (const volume of [orders, old]) {
      await kubelet.release(volume, 'pod')
    }
    await expectNothingPublished(node)
  })

  it('agent and controller fit into the memory that their pods ask for', async ({ node, agent }) => {
    const { api, controller, attacher } = await cluster(node)
    const many = Array.from({ length: 1_000 }, (_, n) => made(`pv-${n}`, 'node-1'))
    await api.attach(many)
    for (let n = 0; n < 10; n++)
      await attacher.ok('controllerPublishVolume', {
        volumeId: `pv-${n}`,
        nodeId: 'node-1',
        volumeCapability: mountable(),
      })
    const resident = async ({ pid }: LabProcess) =>
      Number(await node.sh(`grep VmRSS /proc/${pid}/status | tr -dc 0-9`)) * 1024
    expect(await resident(agent.process)).toBeLessThan(requested('daemonset.yaml'))
    expect(await resident(controller)).toBeLessThan(requested('controller.yaml'))
  })
})

describe.each(kernels('bookworm'))('a published volume moves to another node (%s)', (debian) => {
  const it = onTwoNodes({
    debian,
    b: { memory: 768 },
    after: 'keep',
    luns: [{ lun: 5, serial: 'c515' }],
  })

  it('a volume of a node that did not unstage it moves only when the API says so, and the former node writes nothing more', async ({
    a,
    b,
    target,
  }) => {
    const orders = claimOf(target, 'pv-orders', { targetPortal: target.portals[0]! })
    const given = (node: string, uid: string) => {
      const attachment = made('pv-orders', node, { uid, attached: true })
      return {
        attachment,
        more: {
          publishContext: {
            'lunkeeper.dev/attachment': attachment.metadata.name,
            'lunkeeper.dev/attachment-uid': uid,
          },
        },
      }
    }
    const first = given('a', '1b4e28ba-2fa1-11d2-883f-0016d3cca427')
    const second = given('b', '6fa459ea-ee8a-11d2-90d4-0016d3cca427')
    const file = `${targetPath('pv-orders', 'pod')}/file`
    await startDriver(a)
    const before = await Kubelet.start(a)
    await before.stage(orders, first.more)
    await before.publish(orders, 'pod', first.more)
    await a.sh(`echo first > ${file} && sync ${file}`)

    const api = await Api.start(b, { node: 'b', pods: [], volumes: [] }, rulesOf('agent'))
    await startDriver(b, api.env)
    const kubelet = await Kubelet.start(b)
    const staging = { ...stagingOf(orders), ...second.more }
    // Kubernetes cannot be asked; then it has not given the volume to this node, or has taken it away again.
    await api.seen({ status: 503 })
    await kubelet.fails(
      'nodeStageVolume',
      staging,
      'FailedPrecondition',
      /OWNED_ELSEWHERE: .*another node has/,
    )
    await api.seen({})
    await kubelet.fails(
      'nodeStageVolume',
      staging,
      'FailedPrecondition',
      /OWNED_ELSEWHERE: .*no longer given/,
    )
    await a.sh(`echo second > ${file} && sync ${file}`)

    await api.attach([second.attachment])
    await kubelet.stage(orders, second.more)
    await kubelet.publish(orders, 'pod', second.more)
    expect(await b.sh(`cat ${file}`)).toBe('second')
    await b.sh(`echo third > ${file} && sync ${file}`)
    // The new owner writes nothing meanwhile (ext4 makes inode tables in the background): any write that arrives is
    // the former node's.
    await b.sh(`fsfreeze --freeze ${stagingPath(orders.volumeId)}`)
    const bytes = await target.hash(5)
    await a.sh(`(echo fourth > ${file} && sync ${file}) 2>/dev/null || true`)
    expect(await target.hash(5)).toBe(bytes)
    await before.unpublish(orders, 'pod')
    await before.unstage(orders)
    await expectNothingPublished(a)
    expect(await target.hash(5)).toBe(bytes)
    await b.sh(`fsfreeze --unfreeze ${stagingPath(orders.volumeId)}`)

    await kubelet.release(orders, 'pod')
    await expectNothingPublished(b)
  })
})
