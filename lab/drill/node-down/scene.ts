import type { Lab, LabNode } from '../../index.ts'
import { SAN, serve, setPing } from '../volumes.ts'
import type { Plan } from './plan.ts'

const NODE = '10.9.0.2'
export const STANDBY = '10.9.0.3'
const SHARED = '/lab/share'

/** The machines of a drill. */
export interface Scene {
  readonly node: LabNode
  readonly san: LabNode
  readonly standby: LabNode
}

/** An initiator, a storage machine that serves a volume to each side, and a machine that can take over. */
export async function setScene(lab: Lab, { debian, ping }: Plan): Promise<Scene> {
  const store = { debian, memory: 256, iscsid: false, udev: false, cpu: 0 } as const
  const [node, san, standby] = await Promise.all([
    lab.boot({ debian, name: 'node', memory: 640, address: NODE }),
    lab.boot({ ...store, name: 'san', address: SAN }),
    lab.boot({ ...store, name: 'standby', address: STANDBY }),
  ])
  await serve(san, SAN, SHARED)
  await setPing(node, ping)
  return { node, san, standby }
}

/** From now on the standby machine serves the failed machine's volumes. */
export async function takeOver({ standby }: Scene, { takeover }: Plan): Promise<void> {
  if (takeover === 'same')
    // The address is already set when the link comes up, which announces it (init.sh sets arp_notify).
    await standby.sh(`ip link set eth0 down; ip addr add ${SAN}/24 dev eth0; ip link set eth0 up`)
  await serve(standby, takeover === 'same' ? SAN : STANDBY, SHARED)
}
