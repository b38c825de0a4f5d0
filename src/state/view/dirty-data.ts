import type { Host } from '../../host/host.ts'
import { readVolumeDirtyData } from '../../host/memory/dirty-data.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { DirtyData } from '../../model/bytes.ts'
import { devicesOf, disksOf, lookAtAttachment } from './volume.ts'

/** What programs have written to a volume that is not on it yet; null if it has no device, or the kernel does not report it. */
export function readDirtyData(host: Host, record: Attachment): DirtyData | null {
  const view = lookAtAttachment(host, record)
  const device = devicesOf(view.maps, disksOf(view))[0]
  return device ? readVolumeDirtyData(host.paths, device.devno) : null
}
