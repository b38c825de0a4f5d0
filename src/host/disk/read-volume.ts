import { LunkeeperError } from '../../model/errors.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { HandError } from '../hand/hand.ts'
import type { VolumePart } from '../hand/protocol.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'

const READ_DEADLINE_MS = 20_000

/**
 * Parts of a volume as its target has them, past the page cache, in one array; null where they cannot be read this way.
 * @throws TARGET_AWAY it does not answer · STUCK
 */
export async function readVolume(
  host: Host,
  disk: ScsiDisk,
  parts: readonly VolumePart[],
): Promise<Uint8Array | null> {
  if (disk.sg === null) return null
  const path = deviceNode(host, disk.sg)
  try {
    return await host.hands.use(null, (hand) => hand.call('readVolume', { path, parts }, READ_DEADLINE_MS))
  } catch (error) {
    if (!(error instanceof HandError)) throw error
    throw new LunkeeperError('TARGET_AWAY', `${disk.name} did not answer: ${error.message}`, { cause: error })
  }
}
