import { LunkeeperError } from '../../model/errors.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { readMap } from '../read/maps.ts'

/** Device-mapper answers at once. */
const DEADLINE_MS = 20_000

/**
 * How often a map is open, as the kernel counts. Mounts and loop devices count, and so does a program that has
 * closed it and waits in the kernel until everything that it wrote is on the device. Such a program no longer has a
 * descriptor, and while a map queues, its requests are in none of its I/O counters (seen on 6.1 and 6.12).
 * @throws MAP_FAILED the kernel does not report it · TIMEOUT
 */
export async function openCount(host: Host, map: DmMap): Promise<number> {
  const args = ['info', '-c', '--noheadings', '-o', 'open', map.name]
  const ran = await host.run('dmsetup', args, { deadline: DEADLINE_MS })
  const count = ran.stdout.trim()
  if (ran.code === 0 && /^\d+$/.test(count)) return Number(count)
  if (isGone(host, map)) return 0
  throw new LunkeeperError(
    'MAP_FAILED',
    `cannot determine whether ${map.name} is open: ${failureReason(ran)}`,
  )
}

/** multipathd itself removes an unused map that lost its last path (flush_on_last_del). */
export function isGone(host: Host, { device, uuid }: DmMap): boolean {
  return readMap(host.paths, device)?.uuid !== uuid
}
