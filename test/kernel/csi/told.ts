import type { LabNode, Target } from '../../../lab/index.ts'
import type { State } from '../../api-server/server.ts'
import { rulesOf } from '../../unit/kubernetes/world.ts'
import { Agent } from '../agent.ts'
import { Writer } from '../writer.ts'
import type { Seen } from './api.ts'
import { Api } from './api.ts'
import type { Claim } from './kubelet.ts'
import { claimOf, Kubelet, startDriver, targetPath } from './kubelet.ts'

export const POD = { name: 'shop-0', namespace: 'shop', uid: 'pod-a' }
const STATE: State = {
  node: 'node-1',
  pods: [{ metadata: { ...POD, ownerReferences: [{ kind: 'StatefulSet', controller: true }] } }],
  volumes: [{ metadata: { name: 'orders', uid: 'pv-uid' } }],
}
export const ON_BOTH = ['PersistentVolume orders', 'Pod shop-0']

export const on = ({ events }: Seen, reason: string) =>
  events
    .filter((event) => event.reason === reason)
    .map(({ involvedObject: { kind, name } }) => `${kind} ${name}`)
    .toSorted()
export const condition = ({ conditions }: Seen) =>
  conditions.find(({ type }) => type === 'IscsiVolumeProblem')
export const messageOf = ({ events }: Seen, reason: string, kind = 'PersistentVolume') =>
  events.find((event) => event.reason === reason && event.involvedObject.kind === kind)?.message ?? ''

/** A node of a cluster in which one pod writes to a volume, and the API server to which the agent reports. */
export class Shop {
  readonly api: Api
  readonly #node: LabNode
  #kubelet: Kubelet | null = null

  private constructor(node: LabNode, api: Api) {
    this.#node = node
    this.api = api
  }

  static async open(node: LabNode): Promise<Shop> {
    return new Shop(node, await Api.start(node, STATE, [...rulesOf('events'), ...rulesOf('evict')]))
  }

  /** An agent that serves CSI and reports to Kubernetes. */
  agent(): Promise<Agent> {
    return Agent.start(this.#node, (node) => startDriver(node, this.api.env, ['--kubernetes']))
  }

  get kubelet(): Kubelet {
    return this.#kubelet!
  }

  /** A pod that writes to its volume. */
  async used(target: Target, hold: string): Promise<{ volume: Claim; writer: Writer }> {
    this.#kubelet = await Kubelet.start(this.#node)
    const volume = claimOf(target, 'pv', { hold })
    await this.kubelet.stage(volume)
    const at = targetPath('pv', POD.uid)
    await this.#node.mkdir(at.replace(/\/mount$/, ''))
    const data = { driverName: 'iscsi.csi.lunkeeper', volumeHandle: 'pv', specVolID: 'orders' }
    await this.#node.write(at.replace(/mount$/, 'vol_data.json'), JSON.stringify(data))
    await this.kubelet.publish(volume, POD.uid)
    return { volume, writer: await Writer.start(this.#node, `${at}/file`) }
  }

  async until(what: string, holds: (seen: Seen) => boolean, deadline = 60_000): Promise<Seen> {
    let seen = await this.api.seen()
    await this.#node.until(async () => holds((seen = await this.api.seen())), { deadline, what })
    return seen
  }

  /** Waits until the next agent has read which events exist; `asked` is how often the server had been asked before. */
  nextAgent(asked: number): Promise<Seen> {
    return this.until('the next agent', (seen) =>
      seen.asked.slice(asked).some(({ verb, resource }) => `${verb} ${resource}` === 'get events'),
    )
  }

  /** Waits until volume and pod have an event with this reason. */
  told(reason: string, deadline?: number): Promise<Seen> {
    return this.until(reason, (seen) => on(seen, reason).join() === ON_BOTH.join(), deadline)
  }

  /** From now on the pod's writes fail, and its file system breaks. */
  async breaks(writer: Writer): Promise<void> {
    await writer.fails(30_000)
    await this.#node.until(
      async () => (await this.#node.run(['sh', '-c', `touch ${targetPath('pv', POD.uid)}/$$`])).code !== 0,
      { deadline: 60_000, what: 'a broken file system' },
    )
  }
}
