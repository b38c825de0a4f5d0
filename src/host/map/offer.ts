import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../host.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { PROBE } from './udev-rule.ts'

/**
 * Makes udev read the contents of a hold map once, so that LVM, mdadm and others activate them as on a disk. The map must
 * have a path that was just proven; if that path is lost at this moment, udev's worker blocks. The event carries an argument
 * that udev's rules recognize (Documentation/ABI/testing/sysfs-uevent, since Linux 4.13).
 */
export function offerToUdev(host: Host, { device }: DmMap): void {
  try {
    writeFileSync(join(host.paths.sys, 'block', device, 'uevent'), `change ${randomUUID()} ${PROBE}`)
  } catch {
    // /sys is read-only: a worker cannot be told to activate the contents of the map.
  }
}
