import type { ScsiDisk } from '../../model/snapshot.ts'
import type { VolumePart } from '../hand/protocol.ts'
import type { Host } from '../host.ts'
import { SG_DEADLINE_MS, throughSg } from './through-sg.ts'

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
  return throughSg(host, disk, (hand, path) => hand.call('readVolume', { path, parts }, SG_DEADLINE_MS))
}
