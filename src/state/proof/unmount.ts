import { unmountFs } from '../../host/fs/mount.ts'
import type { Host } from '../../host/host.ts'
import { mountAt } from '../../host/read/mounts.ts'
import type { Provable } from './prove.ts'
import { proveUnmount, withProof } from './prove.ts'

/**
 * Unmounts what is visible at a mount point, after proving that this writes to the right volume or to nothing.
 * @throws BUSY UNMOUNT_FAILED TIMEOUT IDENTITY_MISMATCH TARGET_AWAY …
 */
export async function unmountProven(host: Host, volume: Provable, point: string): Promise<void> {
  const mount = mountAt(host.paths, point)
  if (!mount) return
  await withProof(
    () => proveUnmount(host, volume, mount),
    (proof) => unmountFs(host, proof, point),
  )
}
