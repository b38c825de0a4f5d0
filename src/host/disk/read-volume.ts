import type { ScsiDisk } from '../../model/snapshot.ts'
import type { VolumePart } from '../worker/protocol.ts'
import type { Host } from '../host.ts'
import { SG_DEADLINE_MS, throughSg } from './through-sg.ts'

/**
 * Parts of a volume, read from its target and not from the page cache, in one array.
 * @returns null if the device rejects the commands, or has no sg node
 * @throws TARGET_AWAY the target does not answer · STUCK
 */
export async function readVolume(
  host: Host,
  disk: ScsiDisk,
  parts: readonly VolumePart[],
): Promise<Uint8Array | null> {
  if (disk.sg === null) return null
  return throughSg(host, disk, (worker, path) => worker.call('readVolume', { path, parts }, SG_DEADLINE_MS))
}

/** Contains the superblock of ext4 (1 KiB from offset 1024) and of xfs (at the start). */
export const HEAD_BYTES = 4096

/** The first {@link HEAD_BYTES} of the volume. @throws as {@link readVolume} */
export function readHead(host: Host, disk: ScsiDisk): Promise<Uint8Array | null> {
  return readVolume(host, disk, [{ offset: 0, length: HEAD_BYTES }])
}
