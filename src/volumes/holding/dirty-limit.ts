import type { Host } from '../../host/host.ts'
import type { DirtyLimit } from '../../host/memory/dirty-limit.ts'
import { readDirtyLimit, writeDirtyLimit } from '../../host/memory/dirty-limit.ts'
import { readDirtyPages } from '../../host/memory/dirty-pages.ts'
import { readNodeDirtyBytes, readVolumeDirtyData } from '../../host/memory/dirty-data.ts'
import { findHoldMap } from '../../host/map/hold-map.ts'
import type { VolumeName } from '../../model/name.ts'
import { raisedDirtyLimit } from '../../model/plan/dirty-limit.ts'
import { devicesOf, disksOf, lookAtAttachment } from '../../state/view/volume.ts'
import { readRecord } from '../../state/records/volumes.ts'
import { holdingNames, isAnyHolding } from '../../state/records/hold-note.ts'
import {
  readDirtyLimitNote,
  removeDirtyLimitNote,
  writeDirtyLimitNote,
} from '../../state/records/dirty-limit-note.ts'

/**
 * Dirty pages that wait for a target count against the node's limit: if they reach it, every writer of the node
 * blocks, whatever its disk. During an outage the limit is kept above the stuck pages; afterwards it is restored.
 * Reads and writes only /proc and /run, which do not block.
 * @returns what was done, for the log; null if nothing
 * @throws the kernel's error if it rejects the limit
 */
export function raiseDirtyLimit(host: Host): string | null {
  if (!isAnyHolding(host)) return restoreDirtyLimit(host)
  const limit = readDirtyLimit(host.paths)
  const unwritten = readDirtyPages(host.paths)
  if (!limit || !unwritten) return null
  const note = readDirtyLimitNote(host)
  // The value is not ours: the administrator has changed it since, so it stays.
  const raised = note?.setting === limit.setting && note.ours.includes(limit.value) ? note : null
  const was = raised?.was ?? limit.value
  const value = raisedDirtyLimit(unwritten, { ...limit, was }, () => stuckPages(host, unwritten.pages))
  if (value === null) return null
  writeDirtyLimitNote(host, { setting: limit.setting, was, ours: raised ? [limit.value, value] : [value] })
  try {
    writeDirtyLimit(host.paths, { ...limit, value })
  } catch (error) {
    // A container whose /proc/sys is read-only: nothing was raised, so there is nothing to restore.
    if (!raised) removeDirtyLimitNote(host)
    throw error
  }
  return `held data fills the limit of dirty pages: raised to ${words({ ...limit, value })}, was ${words({ ...limit, value: was })}`
}

/**
 * Restores the limit if no volume is held any more. If the limit was changed by others meanwhile, that value stays.
 * The kernel follows a lowered limit gradually, so no writer is blocked by it
 * (mm/page-writeback.c:update_dirty_limit).
 * @returns what was done, for the log; null if nothing
 */
export function restoreDirtyLimit(host: Host): string | null {
  const note = readDirtyLimitNote(host)
  if (!note || isAnyHolding(host)) return null
  const now = readDirtyLimit(host.paths)
  const before = { setting: note.setting, value: note.was }
  const isOurs = now?.setting === note.setting && note.ours.includes(now.value)
  if (isOurs) writeDirtyLimit(host.paths, before)
  removeDirtyLimitNote(host)
  return isOurs ? `restored the limit of dirty pages to ${words(before)}` : null
}

/** The node's stuck dirty pages; null if the kernel does not report them for each volume. */
function stuckPages(host: Host, pages: number): number | null {
  const all = readNodeDirtyBytes(host.paths)
  const waiting = holdingNames(host).map((name) => {
    const devno = findHoldMap(host, name)?.devno ?? devnoOf(host, name)
    return devno === null ? null : readVolumeDirtyData(host.paths, devno)
  })
  if (!all || waiting.some((one) => one?.of !== 'volume')) return null
  return (pages * waiting.reduce((sum, one) => sum + one!.bytes, 0)) / all
}

/** The device number of a volume without a hold map. */
function devnoOf(host: Host, name: VolumeName): string | null {
  const record = readRecord(host, name)
  const view = record && lookAtAttachment(host, record)
  return (view && devicesOf(view.maps, disksOf(view))[0]?.devno) ?? null
}

function words({ setting, value }: DirtyLimit): string {
  return `vm.${setting}=${value}`
}
