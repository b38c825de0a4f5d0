import type { Agent } from '../agent.ts'
import type { NodeFixtures, NodeSetup } from '../fixtures.ts'
import { onNode } from '../fixtures.ts'
import { Kubelet, startDriver } from './kubelet.ts'
import { Shop } from './told.ts'

export interface CsiFixtures extends NodeFixtures {
  readonly kubelet: Kubelet
}

/** Like `onNode`, with an agent that serves CSI, and the fixture `kubelet`: a client that outlives the agent's restarts. */
export function onCsiNode(setup: NodeSetup) {
  const kubelets = new WeakMap<Agent, Promise<Kubelet>>()
  return onNode({ launch: startDriver, ...setup }).extend('kubelet', ({ node, agent }) => {
    const kubelet = kubelets.get(agent) ?? Kubelet.start(node)
    kubelets.set(agent, kubelet)
    return kubelet
  })
}

/** Like `onNode`, with the fixture `shop`: a volume at LUN 5, a pod that writes to it, and an API server. */
export function onShopNode(setup: NodeSetup) {
  return onNode({ memory: 768, luns: [{ lun: 5, serial: 'c515' }], ...setup }).extend('shop', ({ node }) =>
    Shop.open(node),
  )
}
