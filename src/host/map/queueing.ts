import type { Hold } from '../../model/hold.ts'
import type { Host } from '../host.ts'

const DEADLINE_MS = 5_000
/** If multipathd does not report it (multipath.conf(5): polling_interval). */
const POLLING = 5

/**
 * How long a multipathd map queues after its last path is lost; null if multipathd does not say. Its values: `on`,
 * `off`, `-`, `12 chk` (remaining checks), `23 sec` (remaining time).
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

/** The maps of any program whose I/O the kernel queues while they have no path: one program. */
export async function queueingMaps(host: Host): Promise<ReadonlySet<string>> {
  const ran = await host.run('dmsetup', ['table', '--target', 'multipath'], { deadline: DEADLINE_MS })
  const lines = ran.stdout.split('\n').filter((line) => /\bqueue_if_no_path\b/.test(line))
  return new Set(lines.map((line) => line.slice(0, line.indexOf(': '))))
}

/** Whether the kernel queues the I/O of this map while it has no path. */
export async function isQueueing(host: Host, map: string): Promise<boolean> {
  const ran = await host.run('dmsetup', ['table', map], { deadline: DEADLINE_MS })
  return /\bqueue_if_no_path\b/.test(ran.stdout)
}

/** Reverts `disablequeueing`: from the next loss on the map queues as configured. */
export async function restoreQueueing(host: Host, map: string): Promise<void> {
  await host.run('multipathd', ['restorequeueing', 'map', map], { deadline: DEADLINE_MS })
}

/** Queueing is counted in checks, this many seconds apart (libmultipath/structs_vec.c:enter_recovery_mode). */
export async function pollingInterval(host: Host): Promise<number> {
  const said = /^[ \t]*polling_interval[ \t]+"?(\d+)/m.exec(await ask(host, ['config', 'local']))?.[1]
  return said === undefined ? POLLING : Number(said)
}

async function ask(host: Host, what: readonly string[]): Promise<string> {
  return (await host.run('multipathd', ['show', ...what], { deadline: DEADLINE_MS })).stdout
}
