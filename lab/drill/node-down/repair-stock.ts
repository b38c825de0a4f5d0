import type { LabNode } from '../../index.ts'
import { diskAt, login, mountStock, record, STOCK_MOUNT } from '../stock.ts'
import { SAN } from '../volumes.ts'
import type { Plan } from './plan.ts'
import { STANDBY } from './scene.ts'

/** What an administrator must do afterwards. A read-write remount would report success without helping. */
export async function repairStock(node: LabNode, { takeover, timer }: Plan): Promise<void> {
  await node.sh(`umount ${STOCK_MOUNT}`)
  const address = takeover === 'address' ? STANDBY : SAN
  if (takeover === 'address') {
    await node.sh(`${record(SAN)} --logout; ${record(SAN)} -o delete`)
    await login(node, STANDBY, timer)
  }
  await node.until(() => node.exists(diskAt(address)), { deadline: 20_000, what: 'the stock disk' })
  await mountStock(node, address)
}
