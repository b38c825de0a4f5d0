import { LunkeeperError } from '../../model/errors.ts'
import type { FileSystem } from '../../model/request.ts'
import type { BlockRef } from '../../model/snapshot.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import type { WriteProof } from '../proof/proof.ts'

/** A thin 64 TiB volume over a slow link takes minutes if the target has to zero or discard blocks. */
const DEADLINE_MS = 10 * 60_000

// Without a terminal to ask at, mkfs.ext4 overwrites any contents (seen with 1.47), so the device is proven blank before
// mkfs is started. No discard: the volume was just proven blank, and on a large thin volume it takes minutes. No blocks are
// reserved for root, which is for system disks.
const ARGUMENTS = {
  ext4: ['-q', '-E', 'nodiscard', '-m', '0'],
  xfs: ['-q', '-K'],
} as const satisfies Record<FileSystem, readonly string[]>

/** Options that make each mkfs overwrite the remains of an earlier run that did not finish. */
const OVERWRITE = { ext4: '-F', xfs: '-f' } as const satisfies Record<FileSystem, string>

/**
 * Creates a file system on a device that was just proven blank. The caller chooses its UUID, so that it can be recognized
 * after a crash.
 * @param options.again the contents were proven to be the remains of an earlier run that did not finish
 * @throws MOUNT_FAILED mkfs failed · PROOF_EXPIRED TIMEOUT
 */
export async function makeFs(
  host: Host,
  proof: WriteProof,
  device: BlockRef,
  fs: FileSystem,
  uuid: string,
  { again = false, signal }: { readonly again?: boolean; readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  proof.require(device.devno)
  const name = fs === 'xfs' ? ['-m', `uuid=${uuid}`] : ['-U', uuid]
  const args = [...ARGUMENTS[fs], ...(again ? [OVERWRITE[fs]] : []), ...name, deviceNode(host, device.name)]
  const ran = await host.run(`mkfs.${fs}`, args, { deadline: DEADLINE_MS, signal })
  if (ran.code !== 0)
    throw new LunkeeperError('MOUNT_FAILED', `mkfs.${fs} on ${device.name} failed: ${failureReason(ran)}`)
}
