import type { LabNode } from '../index.ts'
import type { Plan } from './plan.ts'
import { IQN, SAN, STANDBY } from './scene.ts'

export const STOCK_MOUNT = '/mnt/stock'

const diskAt = (address: string) => `/dev/disk/by-path/ip-${address}:3260-iscsi-${IQN.stock}-lun-0`
const record = (address: string) => `iscsiadm -m node -T ${IQN.stock} -p ${address}`

/** As a manual page has it, with open-iscsi's own settings; the timer is the default one, scaled. */
async function login(node: LabNode, address: string, timer: number): Promise<void> {
  await node.sh(
    `${record(address)} -o new; ${record(address)} -o update -n node.session.timeo.replacement_timeout -v ${timer}
     ${record(address)} --login`,
  )
  await node.until(() => node.exists(diskAt(address)), { deadline: 20_000, what: 'the stock disk' })
}

export async function attachStock(node: LabNode, { timer, fs }: Plan): Promise<void> {
  await login(node, SAN, timer)
  await node.sh(`mkfs.${fs} -q ${diskAt(SAN)}; mkdir -p ${STOCK_MOUNT}; mount ${diskAt(SAN)} ${STOCK_MOUNT}`)
}

/** What somebody has to do afterwards. A remount as read-write would say that it worked, and it would not. */
export async function mendStock(node: LabNode, { takeover, timer }: Plan): Promise<void> {
  await node.sh(`umount ${STOCK_MOUNT}`)
  if (takeover === 'address') {
    await node.sh(`${record(SAN)} --logout; ${record(SAN)} -o delete`)
    await login(node, STANDBY, timer)
  }
  const disk = diskAt(takeover === 'address' ? STANDBY : SAN)
  await node.until(() => node.exists(disk), { deadline: 20_000, what: 'the stock disk' })
  await node.sh(`mount ${disk} ${STOCK_MOUNT}`)
}
