import type { Lab, LabNode, Target } from '../index.ts'
import type { Plan } from './plan.ts'

export const IQN = { stock: 'iqn.2026-11.example:stock', lunkeeper: 'iqn.2026-11.example:lunkeeper' } as const
export type SideName = keyof typeof IQN

export const SAN = '10.9.0.1'
const NODE = '10.9.0.2'
export const STANDBY = '10.9.0.3'

/** Sparse; mkfs.xfs makes nothing below 300 MB. */
const BYTES = 512 << 20
const SERIAL = { stock: 'd1511', lunkeeper: 'd1512' } as const

/** The machines of a drill. */
export interface Scene {
  readonly node: LabNode
  readonly san: LabNode
  readonly standby: LabNode
}

/** An initiator, a storage machine that serves a volume to each side, and one that could. */
export async function setScene(lab: Lab, { debian, ping }: Plan): Promise<Scene> {
  const store = { debian, memory: 256, iscsid: false, udev: false, cpu: 0 } as const
  const [node, san, standby] = await Promise.all([
    lab.boot({ debian, name: 'node', memory: 640, address: NODE }),
    lab.boot({ ...store, name: 'san', address: SAN }),
    lab.boot({ ...store, name: 'standby', address: STANDBY }),
  ])
  await serve(san, SAN)
  await node.sh(
    `sed -i -E 's/^(node.conn\\[0\\].timeo.noop_out_(interval|timeout)) = .*/\\1 = ${ping}/' /etc/iscsi/iscsid.conf`,
  )
  return { node, san, standby }
}

/** Serves both volumes, whose bytes are on a disk that every storage machine reaches. */
async function serve(machine: LabNode, address: string): Promise<Target[]> {
  return await Promise.all(
    (['stock', 'lunkeeper'] as const).map(async (side) => {
      const target = await machine.lio.target({ iqn: IQN[side], portals: [`${address}:3260`] })
      await target.map(0, { dir: '/lab/share', name: side, serial: SERIAL[side], bytes: BYTES })
      return target
    }),
  )
}

/** The dead machine's work is done by the other one from now on. */
export async function takeOver({ standby }: Scene, { takeover }: Plan): Promise<void> {
  if (takeover === 'same')
    // the link comes up with the address on it: that announces it (init.sh sets arp_notify)
    await standby.sh(`ip link set eth0 down; ip addr add ${SAN}/24 dev eth0; ip link set eth0 up`)
  await serve(standby, takeover === 'same' ? SAN : STANDBY)
}
