import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { DmMap } from '../../model/snapshot.ts'
import { findOpeners } from '../disk/openers.ts'
import type { Host } from '../host.ts'
import { listNames, readText } from '../read/attribute.ts'
import { isFsAlive } from '../read/file-systems.ts'
import { openCount } from './open-count.ts'

/** How long the close may take once its reads have failed, in milliseconds, and how often to look. */
const CLOSE_MS = 10_000
const LOOK_MS = 100

/**
 * Whether a program that was killed while it read from a map is about to close it, as the last one that had it open. The kernel
 * then holds a lock of the map's disk until the pages being read are complete (block/bdev.c:blkdev_flush_mapping), and loading
 * a table with a new path needs that lock (block/holder.c:bd_link_disk_holder): if the map queues, neither ends. At that moment the
 * map holds nothing but these reads: what the program wrote was on the volume before the lock was taken, and no other can open the
 * map.
 */
export async function isBeingClosed(host: Host, map: DmMap): Promise<boolean> {
  const { sys, proc } = host.paths
  if (isFsAlive(host.paths, map.device) || listNames(join(sys, 'block', map.device, 'holders')).length > 0)
    return false
  if ((await openCount(host, map)) === 0) return false
  if ((await findOpeners(host, [{ name: map.device, devno: map.devno }])).length > 0) return false
  return listNames(proc).some((pid) => /^\d+$/.test(pid) && hasClosingTask(join(proc, pid, 'task')))
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

function hasClosingTask(tasks: string): boolean {
  return listNames(tasks).some((task) => {
    const isWaiting = /^.*\) D /s.test(readText(join(tasks, task, 'stat')) ?? '')
    return isWaiting && isClosing(readText(join(tasks, task, 'stack')) ?? '')
  })
}

/** Linux 6.1 calls it blkdev_put, 6.12 bdev_release. */
const isClosing = (stack: string) =>
  /\b(?:blkdev_put|bdev_release)\b/.test(stack) && /\btruncate_inode_pages/.test(stack)
