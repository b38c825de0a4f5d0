import type { Host } from '../../host/host.ts'
import { mountAt } from '../../host/read/mounts.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { DmMap, ScsiDisk } from '../../model/snapshot.ts'

/**
 * Whether a volume stands on a disk: its own map, the mount that its record names, or the raw device that was handed
 * out. Then whatever is unwritten would go to the volume that answers there.
 * @param maps the volume's own maps
 */
export function standsOn(
  host: Host,
  record: Attachment | null,
  disk: ScsiDisk,
  maps: readonly DmMap[],
): boolean {
  if (disk.holders.some((holder) => maps.some((map) => map.device === holder))) return true
  const point = record?.request.use.mount
  const mount = point ? mountAt(host.paths, point) : null
  if (mount) return [disk.devno, ...disk.partitions.map(({ devno }) => devno)].includes(mount.devno)
  return record?.phase !== 'attaching' && record?.device === `/dev/${disk.name}`
}
