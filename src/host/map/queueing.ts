import type { Hold } from '../../model/hold.ts'
import type { Host } from '../host.ts'
import { sharedBriefly } from './shared-briefly.ts'
import { isQueueingTable, multipathTables } from './tables.ts'

const DEADLINE_MS = 5_000
/** Seconds, if multipathd does not report it (multipath.conf(5): polling_interval). */
const DEFAULT_POLLING_INTERVAL_S = 5

/**
 * How long a map of multipathd queues after its last path is lost; null if multipathd does not report it. multipathd
 * prints `on`, `off`, `-`, `12 chk` (remaining checks) or `23 sec` (remaining time).
 */
export async function queueingOf(host: Host, map: string): Promise<Hold | null> {
  try {
    const said = /"queueing"\s*:\s*"([^"]*)"/.exec(await ask(host, ['map', map, 'json']))?.[1]?.trim()
    if (said === undefined) return null
    if (said === 'on') return 'forever'
    const [, count, unit] = /^(\d+) (chk|sec)$/.exec(said) ?? []
    if (count === undefined) return 0
    return Number(count) * (unit === 'chk' ? await pollingInterval(host) : 1)
  } catch {
    return null
  }
}

/**
 * The maps, of any program, whose I/O the kernel queues while they have no path: one program, however many maps.
 * @throws MAP_FAILED TIMEOUT
 */
export async function queueingMaps(host: Host): Promise<ReadonlySet<string>> {
  const tables = await multipathTables(host, 'table')
  return new Set([...tables].filter(([, table]) => isQueueingTable(table)).map(([name]) => name))
}

/** Like {@link queueingMaps}: callers that ask within half a second share one answer. */
export const recentQueueingMaps = sharedBriefly(queueingMaps)

/** Reverts `disablequeueing`: when the map loses its last path again, it queues as configured. */
export async function restoreQueueing(host: Host, map: string): Promise<void> {
  await host.run('multipathd', ['restorequeueing', 'map', map], { deadline: DEADLINE_MS })
}

/** Seconds between two checks of a path; multipathd counts queueing in checks (libmultipath/structs_vec.c:enter_recovery_mode). */
export async function pollingInterval(host: Host): Promise<number> {
  const said = /^[ \t]*polling_interval[ \t]+"?(\d+)/m.exec(await ask(host, ['config', 'local']))?.[1]
  return said === undefined ? DEFAULT_POLLING_INTERVAL_S : Number(said)
}

async function ask(host: Host, what: readonly string[]): Promise<string> {
  return (await host.run('multipathd', ['show', ...what], { deadline: DEADLINE_MS })).stdout
}
