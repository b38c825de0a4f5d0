import type { WriteCache } from '../../host/read/timers.ts'
import { readWriteCache } from '../../host/read/timers.ts'
import { disksOf, lookAtAttachment } from '../../state/view/volume.ts'
import type { VolumeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'

export const flushDisabled: VolumeCheck = {
  name: 'the write cache',
  volume({ host }, { record }) {
    if (record.phase !== 'ready' || record.request.use.readOnly) return []
    const disks = disksOf(lookAtAttachment(host, record))
    return judgeCaches(
      record.name,
      disks.map((disk) => ({ disk: disk.name ?? 'its disk', ...readWriteCache(host.paths, disk) })),
    )
  },
}

/** `write through` although the array has a cache that it can lose: fsync then returns before the data is safe. */
export function judgeCaches(
  volume: string,
  disks: readonly (WriteCache & { readonly disk: string })[],
): Finding[] {
  const first = disks.find(isUnflushed)
  if (!first) return []
  return [
    {
      code: 'FLUSH_DISABLED',
      severity: 'warning',
      subject: volume,
      message: `${first.disk} has a volatile write cache, and the kernel was told not to flush it: what fsync has confirmed can be lost if the array loses power`,
      evidence: { disks },
      fix: `echo "write back" > /sys/block/${first.disk}/queue/write_cache, and remove what sets it (a udev rule, cache_type "temporary write through").`,
    },
  ]
}

/** `write back, no read (daft)` also has a cache (drivers/scsi/sd.c:sd_cache_types). */
function isUnflushed({ reported, used }: WriteCache): boolean {
  return reported?.startsWith('write back') === true && used === 'write through'
}
