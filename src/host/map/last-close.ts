import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { DmMap } from '../../model/snapshot.ts'
import { findOpeners } from '../disk/openers.ts'
import type { Host } from '../host.ts'
import { listNames, readText } from '../read/attribute.ts'
import { readKernelUse } from '../read/disk-use.ts'
import { isFsAlive } from '../read/file-systems.ts'
import { mountsOfDevices } from '../read/mounts.ts'
import { openCount } from './open-count.ts'

/** How long the close may take once its reads have failed, in milliseconds, and how often to look. */
const CLOSE_MS = 10_000
const LOOK_MS = 100

/**
 * Whether a table cannot be loaded because a program that was killed while it read from the map is about to close it, as the last one
 * that had it open. The kernel then holds a lock of the map's disk until the pages being read are complete
 * (block/bdev.c:blkdev_flush_mapping), and loading a table with a new path needs that lock (block/holder.c:bd_link_disk_holder): if
 * the map queues, neither ends. At that moment the map holds nothing but these reads: what the program wrote was on the volume before
 * the lock was taken, and no other can open the map. If anything else may use a map, or still writes before it closes one, the answer
 * is no.
 */
export async function isBeingClosed(host: Host, map: DmMap): Promise<boolean> {
  const tasks = waitingTasks(host.paths.proc)
  const isLoadWaiting = tasks.some(
    ({ command, stack }) =>
      command.startsWith(`dmsetup\0load\0${map.name}\0`) && stack.includes('bd_link_disk_holder'),
  )
  const closing = tasks.filter(({ stack }) => CLOSE.test(stack))
  const areReaders = closing.length > 0 && closing.every(({ stack }) => AFTER_WRITING.test(stack))
  return isLoadWaiting && areReaders && !isUsed(host, map) && (await isOpenWithoutOpener(host, map))
}

/** Waits until nothing has the map open. @returns whether that is so */
export async function untilClosed(host: Host, map: DmMap): Promise<boolean> {
  const end = performance.now() + CLOSE_MS
  while ((await openCount(host, map)) > 0) {
    if (performance.now() > end) return false
    await sleep(LOOK_MS)
  }
  return true
}

function isUsed({ paths }: Host, { device, devno }: DmMap): boolean {
  return (
    isFsAlive(paths, device) ||
    listNames(join(paths.sys, 'block', device, 'holders')).length > 0 ||
    mountsOfDevices(paths, new Set([devno])).length > 0 ||
    readKernelUse(paths).devnos.has(devno)
  )
}

async function isOpenWithoutOpener(host: Host, map: DmMap): Promise<boolean> {
  if ((await openCount(host, map)) !== 1) return false
  return (await findOpeners(host, [{ name: map.device, devno: map.devno }])).length === 0
}

interface Task {
  /** As in /proc: each argument ends with NUL. */
  readonly command: string
  readonly stack: string
}

/** Linux 6.1 calls it blkdev_put, 6.12 bdev_release. */
const CLOSE = /\b(?:blkdev_put|bdev_release)\b/
const AFTER_WRITING = /\btruncate_inode_pages/

/** All tasks that wait in the kernel and cannot be interrupted, with where they wait. */
function waitingTasks(proc: string): Task[] {
  return listNames(proc)
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      const tasks = join(proc, pid, 'task')
      return listNames(tasks)
        .filter((task) => /^.*\) D /s.test(readText(join(tasks, task, 'stat')) ?? ''))
        .map((task) => ({
          command: readText(join(proc, pid, 'cmdline')) ?? '',
          stack: readText(join(tasks, task, 'stack')) ?? '',
        }))
    })
}
