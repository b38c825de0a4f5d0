import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Hctl } from '../../model/hctl.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'
import { readText } from '../read/attribute.ts'
import { keepUdevOff, PATH_MARKS } from '../map/udev-rule.ts'

/**
 * Who may have the disk: `hold` is a hold map alone, `any` is a hold map or multipathd's map, which is not decided
 * before multipathd has been asked.
 */
export type PathMark = 'hold' | 'any'

// Kept by session: SCSI host numbers are given again after a logout (drivers/scsi/hosts.c: an ida), session numbers
// are not within a boot (scsi_transport_iscsi.c:iscsi_session_nr). A mark that was left thus never meets another disk.

/**
 * Tells udev's rules, before the kernel makes the disk, that it is for a hold map. Where that cannot be written, the disk
 * is looked at like any other, and what takes it is seen afterwards.
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

/** The disk is gone, or for everybody. @returns whether there was a mark */
export function unmarkPath(host: Host, sid: number, hctl: Hctl): boolean {
  const file = fileOf(host, sid, hctl)
  if (!existsSync(file)) return false
  rmSync(file, { force: true })
  try {
    rmdirSync(join(file, '..'))
  } catch {
    // Others of the session are marked.
  }
  return true
}

/** Those of sessions that are gone. */
export function dropStaleMarks(host: Host): void {
  for (const session of list(join(host.paths.root, PATH_MARKS)))
    if (!existsSync(join(host.paths.sys, 'class/iscsi_session', session)))
      rmSync(join(host.paths.root, PATH_MARKS, session), { recursive: true, force: true })
}

/**
 * Has udev look at a disk again that it knew before it was marked, or unmarked: as `udevadm trigger` does, without a
 * program. `add` is what LVM waits for to activate what is on a disk (69-dm-lvm.rules).
 */
export function tellUdev(host: Host, { name, partitions }: ScsiDisk, action: 'add' | 'change'): void {
  for (const block of [name, ...partitions.map((part) => part.name)])
    try {
      if (block !== null) writeFileSync(join(host.paths.sys, 'class/block', block, 'uevent'), action)
    } catch {
      // It is just going.
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
