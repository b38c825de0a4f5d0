import { testWrite } from '../../host/fs/test-write.ts'
import type { Host } from '../../host/host.ts'
import type { BlockRef } from '../../model/snapshot.ts'
import type { Provable } from './prove.ts'
import { proveDevice, withProof } from './prove.ts'

/**
 * Tests whether the file system at a mount point accepts writes ({@link testWrite}), after proving which volume its device is.
 * @returns why it does not; null if it does
 * @throws IDENTITY_MISMATCH TARGET_AWAY STUCK …
 */
export function testWriteProven(
  host: Host,
  volume: Provable,
  device: Pick<BlockRef, 'devno'>,
  point: string,
): Promise<string | null> {
  return withProof(
    () => proveDevice(host, volume, device),
    (proof) => testWrite(host, proof, point),
  )
}
