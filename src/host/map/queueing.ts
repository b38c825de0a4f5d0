import type { Hold } from '../../model/hold.ts'
import type { Host } from '../host.ts'

const DEADLINE = 5_000
/** polling_interval of multipath.conf where it is not set (multipath.conf(5)). */
const POLLING = 5

/**
 * How long a multipathd map goes on waiting after its last path is lost; null where multipathd does not
 * say. Its words: `on`, `off`, `-`, `12 chk` (checks still to come), `23 sec`.
 */
export async function queueingOf(host: Host, map: string): Promise<Hold | null> {
  try {
    const ran = await host.run('multipathd', ['show', 'map', map, 'json'], { deadline: DEADLINE })
    const said = /"queueing"\s*:\s*"([^"]*)"/.exec(ran.stdout)?.[1]?.trim()
    if (said === undefined) return null
    if (said === 'on') return 'forever'
    const [, count, unit] = /^(\d+) (chk|sec)$/.exec(said) ?? []
    return count === undefined ? 0 : Number(count) * (unit === 'chk' ? POLLING : 1)
  } catch {
    return null
  }
}
