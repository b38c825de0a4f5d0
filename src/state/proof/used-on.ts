import type { Host } from '../../host/host.ts'
import { mountAt } from '../../host/read/mounts.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { DmMap, ScsiDisk } from '../../model/snapshot.ts'

/**
 * Whether a volume is in use on a disk: through its own map, the mount in its record, or the raw device that was
 * handed out. If it is, dirty data would go to whichever volume answers there.
 * @param maps the volume's own maps
 */
export function isUsedOn(
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
