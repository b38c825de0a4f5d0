import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { formatHctl } from '../../model/hctl.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'

/**
 * Makes the kernel retry a command as often as its session is lost and restored: by default the sixth consecutive loss
 * is an I/O error, whatever the session's timer (drivers/scsi/sd.c: max_retries). If the kernel does not have the
 * setting, nothing changes.
 */
export function retryWithoutEnd({ paths }: Host, disk: ScsiDisk): void {
  try {
    writeFileSync(join(paths.sys, 'class/scsi_disk', formatHctl(disk.hctl), 'max_retries'), '-1', {
      flag: 'r+',
    })
  } catch {
    // Before Linux 5.10.
  }
}
