import { existsSync } from 'node:fs'

import { whenAppears } from '../../host/disk/appear.ts'
import type { Host } from '../../host/host.ts'
import { readDisk } from '../../host/read/disks.ts'
import type { ScsiDisk, Session } from '../../model/snapshot.ts'

/** How long udev and the kernel may take to create the sg node of a disk once its driver is loaded. */
const SG_DEADLINE_MS = 5_000
const MODPROBE_DEADLINE_MS = 10_000

/**
 * A disk with its sg node, through which the target is asked what the volume is and who has reserved it. udev loads
 * the sg driver when the node's first disk appears (80-drivers.rules). A busy udev takes long, and a node without udev
 * does not load it at all.
 * @returns the disk as it is, if the kernel has no such driver; the claim reports that
 */
export async function withSgNode(
  host: Host,
  session: Session,
  disk: ScsiDisk,
  signal?: AbortSignal,
): Promise<ScsiDisk> {
  if (disk.sg !== null || !(await hasSgDriver(host, signal))) return disk
  const { lun } = disk.hctl
  const sgOf = () => readDisk(host.paths, session, lun, { identity: false })?.sg ?? null
  return { ...disk, sg: await whenAppears(host, sgOf, SG_DEADLINE_MS, signal) }
}

async function hasSgDriver(host: Host, signal?: AbortSignal): Promise<boolean> {
  const isLoaded = () => existsSync(`${host.paths.sys}/module/sg`)
  if (!isLoaded())
    await host.run('modprobe', ['sg'], { deadline: MODPROBE_DEADLINE_MS, signal }).catch(() => {})
  return isLoaded()
}
