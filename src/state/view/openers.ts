import { setTimeout as sleep } from 'node:timers/promises'

import type { Openable } from '../../host/disk/openers.ts'
import { findOpeners } from '../../host/disk/openers.ts'
import { readKernelUse } from '../../host/read/disk-use.ts'
import type { DeviceFile } from '../../host/worker/protocol.ts'
import type { Host } from '../../host/host.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { isUdev } from './users.ts'

/**
 * Many programs briefly open a new disk to read its contents: pvscan, blkid, mdadm, smartd, a desktop's disk service.
 * On a busy node that takes several hundred milliseconds; a program that uses the disk keeps it open.
 */
const TRANSIENT_MS = 3_000
const FIRST_PAUSE_MS = 20
const MAX_PAUSE_MS = 500

/** multipathd keeps every known disk open to check its path, and only reads (libmultipath, pathinfo). */
const CHECKER = 'multipathd'

/**
 * Finds what stays for longer than a moment: what is gone by then does not count.
 * @returns what the last look found
 * @throws CANCELLED, and what `look` throws
 */
export async function lasting<T>(
  look: () => Promise<readonly T[]>,
  signal?: AbortSignal,
): Promise<readonly T[]> {
  const end = performance.now() + TRANSIENT_MS
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(MAX_PAUSE_MS, pause * 2)) {
    const found = await look()
    if (found.length === 0 || performance.now() >= end) return found
    await sleep(pause, undefined, { signal })
  }
}

/**
 * The programs that have one of these devices open and keep it open; udev, and programs that close it within a moment,
 * do not count.
 * @throws STUCK CANCELLED
 */
export function lastingOpeners(
  host: Host,
  devices: readonly Openable[],
  signal?: AbortSignal,
): Promise<readonly DeviceFile[]> {
  const look = async () =>
    (await findOpeners(host, devices)).filter((opener) => !isUdev(opener) && opener.command !== CHECKER)
  return lasting(look, signal)
}

/** Whether a loop device or an NVMe target of this node uses one of the devices or a partition: no process has it open then. */
export function isUsedByKernel(host: Host, devices: readonly Openable[]): boolean {
  return kernelUsed(host, devices) !== undefined
}

/** @throws BUSY a loop device or an NVMe target of this node uses one of the devices */
export function refuseKernelUse(host: Host, devices: readonly Openable[]): void {
  const used = kernelUsed(host, devices)
  if (used)
    throw new LunkeeperError('BUSY', `${used.name} is in use: a loop device or an NVMe target uses it`, {
      hint: 'losetup -l shows loop devices; losetup -d removes one.',
    })
}

function kernelUsed(host: Host, devices: readonly Openable[]): Openable | undefined {
  const { devnos } = readKernelUse(host.paths)
  return devices.find(({ devno, partitions = [] }) =>
    [devno, ...partitions.map((part) => part.devno)].some((one) => devnos.has(one)),
  )
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
