import { LunkeeperError } from '../../model/errors.ts'
import type { BlockRef } from '../../model/snapshot.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import type { WriteProof } from '../proof/proof.ts'

/** Growing writes the metadata of the new part: minutes for many terabytes. */
const DEADLINE_MS = 10 * 60_000

/** Grows a mounted ext4 or xfs to the size of its device. @throws RESIZE_FAILED PROOF_EXPIRED */
export async function growFs(
  host: Host,
  proof: WriteProof,
  device: BlockRef,
  point: string,
  type: string,
): Promise<void> {
  proof.require(device.devno)
  const ran =
    type === 'xfs'
      ? await host.run('xfs_growfs', [point], { deadline: DEADLINE_MS })
      : await host.run('resize2fs', [deviceNode(host, device.name)], { deadline: DEADLINE_MS })
  if (ran.code !== 0)
    throw new LunkeeperError('RESIZE_FAILED', `the ${type} at ${point} did not grow: ${failureReason(ran)}`)
}
