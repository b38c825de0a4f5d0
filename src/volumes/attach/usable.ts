import { makeMountPoint, missingDirectories } from '../../host/fs/mount.ts'
import { probeContent } from '../../host/fs/probe.ts'
import type { Host } from '../../host/host.ts'
import { mountAt } from '../../host/read/mounts.ts'
import type { Attachment } from '../../model/attachment.ts'
import { nextUseStep } from '../../model/plan/use.ts'
import { deviceOf, mountsOf } from '../../state/view/users.ts'
import { readFormatting } from '../formatting.ts'
import { refuseHoldMode } from './device.ts'
import type { Path } from './path.ts'
import { useRefusal } from './use.ts'

/**
 * Before a volume is taken from another node, refuses anything that would make the attach fail afterwards: the
 * other node would have lost its unwritten data for nothing. Reads only.
 * @throws BAD_MOUNT BUSY NO_FILESYSTEM NOT_BLANK FS_MISMATCH MAP_FAILED STUCK
 */
export async function refuseUnusable(
  host: Host,
  { request, formatting }: Attachment,
  { disk, identity }: Path,
): Promise<void> {
  await refuseHoldMode(host, request)
  const { mount } = request.use
  const device = deviceOf(disk)
  if (mount === null || device === null) return
  const atPoint = mountAt(host.paths, mount)
  const step = nextUseStep({
    use: { ...request.use, mount },
    mounts: mountsOf(host, device),
    atPoint,
    // Not an exclusive open: multipathd may already have its map over the disk.
    content: await probeContent(host, device.name),
    formatting,
    begun: readFormatting(host, identity),
    blank: null,
    whole: null,
    checked: true,
    directory: true,
    formatted: false,
    mounted: false,
  })
  if (step.kind === 'refuse') throw await useRefusal(host, device, step)
  // A directory that exists is only looked at.
  if ((await missingDirectories(host, mount)).length === 0) await makeMountPoint(host, mount)
}
