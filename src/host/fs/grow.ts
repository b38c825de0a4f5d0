import { LunkeeperError } from '../../model/errors.ts'
import { complaint } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'

/** Growing writes group descriptors for the new part: minutes for many terabytes. */
const DEADLINE = 10 * 60_000

/** Grows a mounted ext4 or xfs to the size of its device. @throws RESIZE_FAILED */
export async function growFs(host: Host, device: string, point: string, type: string): Promise<void> {
  const ran =
    type === 'xfs'
      ? await host.run('xfs_growfs', [point], { deadline: DEADLINE })
      : await host.run('resize2fs', [deviceNode(host, device)], { deadline: DEADLINE })
  if (ran.code !== 0)
    throw new LunkeeperError('RESIZE_FAILED', `the ${type} at ${point} did not grow: ${complaint(ran)}`)
}
