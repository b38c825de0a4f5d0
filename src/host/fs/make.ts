import { LunkeeperError } from '../../model/errors.ts'
import type { FileSystem } from '../../model/request.ts'
import type { BlockRef } from '../../model/snapshot.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import type { WriteProof } from '../proof/proof.ts'

/** A thin 64 TiB volume over a slow link takes minutes if the target has to zero or discard. */
const DEADLINE_MS = 10 * 60_000

// Without a terminal to ask at, mkfs.ext4 formats whatever it is given (seen with 1.47), so the device is proven blank
// before mkfs is started. No discard: the volume was just proven blank, and on a large thin one it takes minutes. No
// blocks reserved for root: that is for system disks.
const ARGUMENTS = {
  ext4: ['-q', '-E', 'nodiscard', '-m', '0'],
  xfs: ['-q', '-K'],
} as const satisfies Record<FileSystem, readonly string[]>

/** Options that make each mkfs overwrite what an earlier, unfinished run has left. */
const OVERWRITE = { ext4: '-F', xfs: '-f' } as const satisfies Record<FileSystem, string>

/**
 * Creates a file system on a device that was just proven blank. Its UUID is given, so that after a crash it can be
 * recognized as ours.
 * @param again the contents were proven to be left over from an earlier run that did not finish
 */
export async function makeFs(
  host: Host,
  proof: WriteProof,
  device: BlockRef,
  fs: FileSystem,
  uuid: string,
  again = false,
): Promise<void> {
  proof.require(device.devno)
  const name = fs === 'xfs' ? ['-m', `uuid=${uuid}`] : ['-U', uuid]
  const args = [...ARGUMENTS[fs], ...(again ? [OVERWRITE[fs]] : []), ...name, deviceNode(host, device.name)]
  const ran = await host.run(`mkfs.${fs}`, args, { deadline: DEADLINE_MS })
  if (ran.code !== 0)
    throw new LunkeeperError('MOUNT_FAILED', `mkfs.${fs} on ${device.name} failed: ${failureReason(ran)}`)
}
