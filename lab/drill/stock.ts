import type { LabNode } from '../index.ts'
import { IQN, SAN } from './volumes.ts'

export const STOCK_MOUNT = '/mnt/stock'

export const diskAt = (address: string) => `/dev/disk/by-path/ip-${address}:3260-iscsi-${IQN.stock}-lun-0`
export const record = (address: string) => `iscsiadm -m node -T ${IQN.stock} -p ${address}`

/** As the manual page shows it, with open-iscsi's own settings except for the timer, in seconds. */
export async function login(node: LabNode, address: string, timer: number): Promise<void> {
  await node.sh(
    `${record(address)} -o new; ${record(address)} -o update -n node.session.timeo.replacement_timeout -v ${timer}
     ${record(address)} --login`,
  )
  await node.until(() => node.exists(diskAt(address)), { deadline: 20_000, what: 'the stock disk' })
}

export async function mountStock(node: LabNode, address: string = SAN): Promise<void> {
  await node.sh(`mkdir -p ${STOCK_MOUNT}; mount ${diskAt(address)} ${STOCK_MOUNT}`)
}

export async function attachStock(
  node: LabNode,
  { timer, fs }: { readonly timer: number; readonly fs: string },
): Promise<void> {
  await login(node, SAN, timer)
  await node.sh(`mkfs.${fs} -q ${diskAt(SAN)}`)
  await mountStock(node)
}
