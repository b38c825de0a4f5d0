import type { Host } from '../../host/host.ts'
import { isOfMissingDevice, mountAt } from '../../host/read/mounts.ts'
import type { Attachment } from '../../model/attachment.ts'
import { unmountProven } from '../../state/proof/unmount.ts'

/**
 * Unmounts the volume's mount if its block device no longer exists: its disk was removed, and it must be mounted again.
 * @throws BUSY a process uses it · as an unmount
 */
export async function unmountDeadMount(host: Host, record: Attachment): Promise<void> {
  const point = record.request.use.mount
  const mount = point === null ? null : mountAt(host.paths, point)
  if (point !== null && mount && isOfMissingDevice(host.paths, mount))
    await unmountProven(host, record, point)
}
