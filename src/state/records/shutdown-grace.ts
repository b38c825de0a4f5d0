import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Moment } from '../../host/clock.ts'
import { clockStepSince, momentNow, restamped } from '../../host/clock.ts'
import type { Host } from '../../host/host.ts'
import { setQueueing } from '../../host/map/hold-map.ts'
import { isHoldMap, readMaps } from '../../host/read/maps.ts'
import { removeDurable, writeDurable } from '../../host/store/durable.ts'

/**
 * The machine shuts down: from now on no volume waits longer than the grace, whatever its hold. Kept under /run for the
 * agent, since a target may be lost while services stop still, when the command that said so has long ended.
 */
export interface LastGrace extends Moment {
  readonly seconds: number
}

/** Null while no shutdown is on. */
export function readLastGrace(host: Host): LastGrace | null {
  try {
    const { since, sinceMs, seconds } = JSON.parse(readFileSync(pathOf(host), 'utf8')) as LastGrace
    if (!Number.isFinite(Date.parse(since) + sinceMs + seconds)) return null
    return { since: restamped(since, clockStepSince({ since, sinceMs })), sinceMs, seconds }
  } catch {
    return null
  }
}

/** @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE */
export function writeLastGrace(host: Host, seconds: number): void {
  const grace: LastGrace = { ...momentNow(), seconds }
  writeDurable(pathOf(host), `${JSON.stringify(grace)}\n`)
}

/** An agent is started: it has come to nothing, or only the programs were restarted (`systemctl soft-reboot`). */
export function removeLastGrace(host: Host): void {
  removeDurable(pathOf(host))
}

/** When I/O that waits since then is to fail, in milliseconds of the clock; null while no shutdown is on. */
export function lastDeadline(host: Host, since: string): number | null {
  const grace = readLastGrace(host)
  return grace && Math.max(Date.parse(since), Date.parse(grace.since)) + grace.seconds * 1000
}

/**
 * From now on I/O fails where no path is: nobody is left to put one back. Else the machine would hang when
 * open-iscsi has logged out: systemd flushes each map in the very end, in its first process, without a
 * deadline (systemd src/shutdown/detach-dm.c: fsync before DM_DEV_REMOVE).
 */
export async function endQueueing(host: Host): Promise<void> {
  const maps = readMaps(host.paths).filter((map) => isHoldMap(map))
  await Promise.allSettled(maps.map((map) => setQueueing(host, map, false)))
}

function pathOf(host: Host): string {
  return join(host.places.runtime, 'last-grace.json')
}
