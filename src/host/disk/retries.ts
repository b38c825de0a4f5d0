import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { formatHctl } from '../../model/hctl.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'

/**
 * Makes the kernel retry a command however often its session is lost and restored. By default a command fails with an I/O
 * error after the sixth loss, regardless of the session's timer (drivers/scsi/sd.c: max_retries). Has no effect if the
 * kernel does not have the setting.
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
