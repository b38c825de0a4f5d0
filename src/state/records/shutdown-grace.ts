import { join } from 'node:path'

import * as z from 'zod/mini'

import { clockStepSince, momentNow, restamped } from '../../host/clock.ts'
import type { Host } from '../../host/host.ts'
import { setQueueing } from '../../host/map/hold-map.ts'
import { isHoldMap, readMaps } from '../../host/read/maps.ts'
import { removeDurable } from '../../host/store/durable.ts'
import { readNote, timeText, writeNote } from '../../host/store/json-note.ts'
import type { ShutdownGrace } from '../../model/plan/hold-deadline.ts'

/*
 * The machine is shutting down: from now on no volume's I/O is held longer than the grace, whatever its hold. The
 * note is kept under /run, because a target may be lost while services are still stopping, long after the command
 * that started the grace has ended.
 */

const schema = z.pipe(
  z.object({ since: timeText, sinceMs: z.number(), seconds: z.number() }),
  z.transform((note) => ({ ...note, since: restamped(note.since, clockStepSince(note)) })),
)

/** Null if no shutdown is in progress. */
export function readShutdownGrace(host: Host): ShutdownGrace | null {
  return readNote(pathOf(host), schema)
}

/** @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE */
export function writeShutdownGrace(host: Host, seconds: number): void {
  const grace: ShutdownGrace = { ...momentNow(), seconds }
  writeNote(pathOf(host), grace)
}

/**
 * Called when an agent starts: the shutdown was cancelled, or only programs were restarted (`systemctl soft-reboot`).
 */
export function removeShutdownGrace(host: Host): void {
  removeDurable(pathOf(host))
}

/**
 * From now on I/O fails if there is no path, because no agent will reinstate one. Otherwise the machine would hang
 * after open-iscsi's logout: at the very end systemd flushes each map in its first process, without a deadline
 * (systemd src/shutdown/detach-dm.c: fsync before DM_DEV_REMOVE).
 */
export async function endQueueing(host: Host): Promise<void> {
  const maps = readMaps(host.paths).filter((map) => isHoldMap(map))
  const ended = await Promise.allSettled(maps.map((map) => setQueueing(host, map, false)))
  // They all share one program, which a service manager may have killed.
  const again = maps.filter((_, index) => ended[index]!.status === 'rejected')
  await Promise.allSettled(again.map((map) => setQueueing(host, map, false)))
}

function pathOf(host: Host): string {
  return join(host.places.runtime, 'last-grace.json')
}
