import { LunkeeperError } from '../../model/errors.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { readMaps } from '../read/maps.ts'

/** Device-mapper answers from memory, but may wait for a table that is being loaded. */
const DEADLINE_MS = 20_000

/**
 * The table or the status of every multipath map, by the map's name, from one run of dmsetup. A failed run is not an
 * empty list: a caller would conclude that no map queues I/O and that no map has a path.
 * @throws MAP_FAILED TIMEOUT
 */
export async function multipathTables(
  host: Host,
  what: 'table' | 'status',
): Promise<ReadonlyMap<string, string>> {
  const ran = await host.run('dmsetup', [what, '--target', 'multipath'], { deadline: DEADLINE_MS })
  // Without the device-mapper module dmsetup fails, and there are no maps.
  if (ran.code !== 0 && readMaps(host.paths).length > 0)
    throw new LunkeeperError('MAP_FAILED', `dmsetup ${what}: ${failureReason(ran)}`)
  return new Map(
    ran.stdout.split('\n').flatMap((line) => {
      const [, name, rest] = /^(\S+): (.*)$/.exec(line) ?? []
      return name !== undefined && rest !== undefined ? [[name, rest] as const] : []
    }),
  )
}

/** Whether a map with this table queues I/O while it has no usable path. */
export function isQueueingTable(table: string): boolean {
  return /\bqueue_if_no_path\b/.test(table)
}
