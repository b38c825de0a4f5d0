import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { formatHctl } from '../../model/hctl.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'

/**
 * Has a command tried again as often as its session is lost and mended: by default the sixth loss in a row
 * is an I/O error, however long the session would have waited (drivers/scsi/sd.c: max_retries). Where the
 * kernel does not have the setting, it stays as it is.
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
