import { setTimeout as sleep } from 'node:timers/promises'

import { LunkeeperError } from '../../model/errors.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { isHoldMap } from '../read/maps.ts'
import { isGone } from './open-count.ts'
import { notRemoved, removeHoldMap, setQueueing } from './hold-map.ts'

/** multipathd answers one command after the other, and a path checker may delay it for some seconds. */
const DEADLINE_MS = 30_000

/**
 * Offers multipathd a disk that it may have skipped, because it does not map a single path whose WWID it does not know.
 * @returns `taken`; `later` if udev has usually not finished with the disk yet, so that multipathd will be notified or
 *   offered the disk again; `blacklisted` if multipathd's configuration excludes the disk by name, WWID, model, protocol or
 *   udev property, which multipathd reports with exit status 0 (multipathd/cli_handlers.c: cli_add_path; seen with 0.9.4
 *   and 0.11)
 */
export async function offerPath(host: Host, disk: string): Promise<'taken' | 'later' | 'blacklisted'> {
  const ran = await host.run('multipathd', ['add', 'path', disk], { deadline: DEADLINE_MS })
  if (/^blacklisted$/m.test(ran.stdout)) return 'blacklisted'
  return ran.code === 0 && !/^fail/m.test(ran.stdout) ? 'taken' : 'later'
}

/** Makes multipathd remove a disk from its map, which continues with its other paths. */
export async function removePath(host: Host, disk: string): Promise<void> {
  await host.run('multipathd', ['del', 'path', disk], { deadline: DEADLINE_MS })
}

/**
 * Removes a map that is not in use; multipathd flushes it and disables its queueing first.
 * @throws BUSY it is open · MAP_FAILED
 */
export async function removeMap(host: Host, map: DmMap): Promise<void> {
  if (isHoldMap(map)) return removeHoldMap(host, map)
  const ran = await host.run('multipath', ['-f', map.name], { deadline: DEADLINE_MS })
  if (ran.code === 0 || isGone(host, map)) return
  throw notRemoved(map, failureReason(ran))
}

/** Removes the map of one partition that kpartx created on a multipath map. @throws BUSY */
export async function removePartitionMap(host: Host, map: DmMap): Promise<void> {
  // Does not wait for udev, whose worker may be blocked by a map that queues.
  const ran = await host.run('dmsetup', ['remove', '--noudevsync', map.name], { deadline: DEADLINE_MS })
  if (ran.code === 0 || isGone(host, map)) return
  throw new LunkeeperError('BUSY', `the partition ${map.name} was not removed: ${failureReason(ran)}`)
}

/**
 * Disables queueing of a map without paths, so that queued I/O fails now: through multipathd, which would otherwise enable
 * it again, and in the kernel, in case multipathd is not running.
 * @throws MAP_FAILED
 */
export async function stopQueueing(host: Host, map: DmMap): Promise<void> {
  if (isHoldMap(map)) return setQueueing(host, map, false)
  const asked = await host.run('multipathd', ['disablequeueing', 'map', map.name], { deadline: DEADLINE_MS })
  const ran = await host.run('dmsetup', failIfNoPath(map), { deadline: DEADLINE_MS })
  if (ran.code === 0 || asked.code === 0 || isGone(host, map)) return
  throw new LunkeeperError('MAP_FAILED', `the map ${map.name} did not stop queueing: ${failureReason(ran)}`)
}

/** How soon queued I/O is failed again after multipathd has enabled queueing. */
const REPEAT_INTERVAL_MS = 500

/**
 * Keeps these maps from queueing until disposed of. A single command is not enough: whenever a path is removed, multipathd
 * 0.9.4 loads the table with queue_if_no_path again, reports that the map does not queue, and never disables queueing. An
 * unmount would then hang forever.
 */
export function keepFailing(host: Host, maps: readonly DmMap[]): AsyncDisposable {
  const stopped = new AbortController()
  const failNow = async (map: DmMap) => {
    if (!isGone(host, map)) await host.run('dmsetup', failIfNoPath(map), { deadline: DEADLINE_MS })
  }
  const repeat = async () => {
    while (!stopped.signal.aborted) {
      for (const map of maps) await failNow(map).catch(() => {})
      await sleep(REPEAT_INTERVAL_MS, undefined, { signal: stopped.signal }).catch(() => {})
    }
  }
  const ended = maps.length > 0 ? repeat() : null
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await ended
    },
  }
}

const failIfNoPath = (map: DmMap) => ['message', map.name, '0', 'fail_if_no_path']

/** Makes multipathd use the new size of the paths. @throws RESIZE_FAILED */
export async function resizeMap(host: Host, name: string): Promise<void> {
  const ran = await host.run('multipathd', ['resize', 'map', name], { deadline: DEADLINE_MS })
  if (ran.code !== 0 || /^fail/m.test(ran.stdout))
    throw new LunkeeperError('RESIZE_FAILED', `the map ${name} did not grow: ${failureReason(ran)}`)
}
