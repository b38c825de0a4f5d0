import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Hctl } from '../../model/hctl.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'
import { readText } from '../read/attribute.ts'
import { keepUdevOff, PATH_MARKS } from '../map/udev-rule.ts'

/**
 * Allowed users of the disk: `hold` is a hold map only, `any` is a hold map or multipathd's map, which is undecided
 * until multipathd has answered.
 */
export type PathMark = 'hold' | 'any'

// Keyed by session: SCSI host numbers are reused after a logout (drivers/scsi/hosts.c: an ida), session numbers are not
// within a boot (scsi_transport_iscsi.c:iscsi_session_nr). So a left-over mark never applies to another disk.

/**
 * Tells udev's rules, before the kernel creates the disk, that it is for a hold map. If the mark cannot be written, the
 * disk is processed like any other, and its users are checked afterwards.
 * @returns whether it was not marked so before
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

/** The disk is gone, or open to all users. @returns whether there was a mark */
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

/** Marks of sessions that are gone. */
export function dropStaleMarks(host: Host): void {
  for (const session of list(join(host.paths.root, PATH_MARKS)))
    if (!existsSync(join(host.paths.sys, 'class/iscsi_session', session)))
      rmSync(join(host.paths.root, PATH_MARKS, session), { recursive: true, force: true })
}

/**
 * Makes udev process a disk again that it knew before it was marked or unmarked: like `udevadm trigger`, without a
 * program. LVM activates the contents of a disk on `add` (69-dm-lvm.rules).
 */
export function tellUdev(host: Host, { name, partitions }: ScsiDisk, action: 'add' | 'change'): void {
  for (const block of [name, ...partitions.map((part) => part.name)])
    try {
      if (block !== null) writeFileSync(join(host.paths.sys, 'class/block', block, 'uevent'), action)
    } catch {
      // It is being removed.
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
