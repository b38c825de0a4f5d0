import { LunkeeperError } from '../../model/errors.ts'
import type { FileSystem } from '../../model/request.ts'
import type { BlockRef } from '../../model/snapshot.ts'
import { complaint } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import type { WriteProof } from '../proof/proof.ts'

/** A thin 64 TiB volume over a slow link takes minutes when the target has to zero or discard. */
const DEADLINE = 10 * 60_000

// mkfs.ext4 formats whatever it is given where it has no terminal to ask at (seen with 1.47), so that a
// device is blank is proven before it is started. No discard: the
// volume was just proven blank, and on a large thin one it takes minutes. No blocks kept for root: that
// is for system disks.
const ARGUMENTS = {
  ext4: ['-q', '-E', 'nodiscard', '-m', '0'],
  xfs: ['-q', '-K'],
} as const satisfies Record<FileSystem, readonly string[]>

/**
 * Makes a file system on a device that was just proven blank. Its UUID is given, so that whoever comes
 * back after a crash knows it for its own.
 * @throws MOUNT_FAILED PROGRAM_MISSING TIMEOUT PROOF_EXPIRED
 */
export async function makeFs(
  host: Host,
  proof: WriteProof,
  device: BlockRef,
  fs: FileSystem,
  uuid: string,
): Promise<void> {
  proof.require(device.devno)
  const name = fs === 'xfs' ? ['-m', `uuid=${uuid}`] : ['-U', uuid]
  const args = [...ARGUMENTS[fs], ...name, deviceNode(host, device.name)]
  const ran = await host.run(`mkfs.${fs}`, args, { deadline: DEADLINE })
  if (ran.code !== 0)
    throw new LunkeeperError('MOUNT_FAILED', `mkfs.${fs} on ${device.name} did not work: ${complaint(ran)}`)
}
