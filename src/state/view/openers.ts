import { setTimeout as sleep } from 'node:timers/promises'

import type { Openable } from '../../host/disk/openers.ts'
import { findOpeners } from '../../host/disk/openers.ts'
import { readKernelUse } from '../../host/read/disk-use.ts'
import type { DeviceFile } from '../../host/worker/protocol.ts'
import type { Host } from '../../host/host.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { isUdev } from './users.ts'

/**
 * Many programs briefly open a new disk to read its contents: pvscan, blkid, mdadm, smartd, a desktop's disk service.
 * On a busy node that takes several hundred milliseconds; a program that uses the disk keeps it open.
 */
export const TRANSIENT_MS = 3_000
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 500

/** multipathd keeps every known disk open to check its path, and only reads (libmultipath, pathinfo). */
const CHECKER = 'multipathd'

/**
 * The programs that have one of these devices open and keep it open; udev, and programs that close it within a moment,
 * do not count.
 * @throws STUCK CANCELLED
 */
export async function lastingOpeners(
  host: Host,
  devices: readonly Openable[],
  signal?: AbortSignal,
): Promise<readonly DeviceFile[]> {
  const end = performance.now() + TRANSIENT_MS
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
    const openers = (await findOpeners(host, devices)).filter(
      (opener) => !isUdev(opener) && opener.command !== CHECKER,
    )
    if (openers.length === 0 || performance.now() >= end) return openers
    await sleep(pause, undefined, { signal })
  }
}

/** Whether a loop device or an NVMe target of this node is on the device or on a partition of it: no process has it open then. */
export function isUsedByKernel(host: Host, { devno, partitions = [] }: Openable): boolean {
  const { devnos } = readKernelUse(host.paths)
  return [devno, ...partitions.map((part) => part.devno)].some((one) => devnos.has(one))
}

/** A SCSI disk as an openable device; null until the kernel has given it a name. */
export function openable({ name, devno, ...disk }: ScsiDisk): Openable | null {
  return name === null || devno === null ? null : { ...disk, name, devno }
}

/** `process 4711 (qemu) has it open` */
export function sayOpeners(openers: readonly DeviceFile[]): string {
  const named = openers.map(({ pid, command }) => `process ${pid} (${command})`)
  return `${named.join(', ')} ${named.length === 1 ? 'has' : 'have'} it open`
}
