import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Hctl } from '../../model/hctl.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'
import { readText } from '../read/attribute.ts'
import { keepUdevOff, PATH_MARKS } from '../map/udev-rule.ts'

/**
 * Which map may use the disk: `hold` is a hold map only; `any` is a hold map or multipathd's map, while multipathd has not
 * answered whether it takes the disk.
 */
export type PathMark = 'hold' | 'any'

// A mark is stored under its session's number, which is not reused within a boot
// (scsi_transport_iscsi.c:iscsi_session_nr). SCSI host numbers are reused after a logout (drivers/scsi/hosts.c). So
// a leftover mark never applies to another disk.

/**
 * Marks a disk for udev's rules as a path of a map, before the kernel creates the disk. If the mark cannot be written, udev
 * processes the disk like any other; the caller checks for users of the disk later.
 * @returns whether the mark is new or has changed
 */
export async function markPath(host: Host, sid: number, hctl: Hctl, mark: PathMark): Promise<boolean> {
  const file = fileOf(host, sid, hctl)
  const text = `LUNKEEPER_PATH=${mark}\n`
  if (readText(file) === text) return false
  await keepUdevOff(host)
  dropStaleMarks(host)
  try {
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, text)
    return true
  } catch {
    return false
  }
}

/** Removes the mark of a disk that is gone, or that any program may use. @returns whether there was a mark */
export function unmarkPath(host: Host, sid: number, hctl: Hctl): boolean {
  const file = fileOf(host, sid, hctl)
  if (!existsSync(file)) return false
  rmSync(file, { force: true })
  try {
    rmdirSync(join(file, '..'))
  } catch {
    // Other disks of the session are marked.
  }
  return true
}

/** Whether the disk was made as a path of a map: nothing else may use it. */
export function isMarkedPath(host: Host, sid: number, hctl: Hctl): boolean {
  return existsSync(fileOf(host, sid, hctl))
}

/** Removes the marks of sessions that have ended. */
export function dropStaleMarks(host: Host): void {
  for (const session of list(join(host.paths.root, PATH_MARKS)))
    if (!existsSync(join(host.paths.sys, 'class/iscsi_session', session)))
      rmSync(join(host.paths.root, PATH_MARKS, session), { recursive: true, force: true })
}

/**
 * Makes udev process a disk again, after its mark has changed: like `udevadm trigger`, but without a program. LVM activates
 * the contents of a disk on `add` (69-dm-lvm.rules).
 */
export function tellUdev(host: Host, { name, partitions }: ScsiDisk, action: 'add' | 'change'): void {
  for (const block of [name, ...partitions.map((part) => part.name)])
    try {
      if (block !== null) writeFileSync(join(host.paths.sys, 'class/block', block, 'uevent'), action)
    } catch {
      // The kernel is removing the disk.
    }
}

function fileOf(host: Host, sid: number, hctl: Hctl): string {
  return join(host.paths.root, PATH_MARKS, `session${sid}`, formatHctl(hctl))
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
