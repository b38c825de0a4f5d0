import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../host.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { PROBE } from './udev-rule.ts'

/**
 * Has udev look, this once, what is on a hold map: LVM, mdadm and others then activate it as they would on a disk. For a
 * map with a path that has just been proven; udev's worker waits if that is lost in the same moment.
 * The event says itself that it is the one (Documentation/ABI/testing/sysfs-uevent, since Linux 4.13).
 */
export function offerToUdev(host: Host, { device }: DmMap): void {
  try {
    writeFileSync(join(host.paths.sys, 'block', device, 'uevent'), `change ${randomUUID()} ${PROBE}`)
  } catch {
    // A /sys that is read-only: what is on the map can be activated by hand.
  }
}
