import { setTimeout as sleep } from 'node:timers/promises'

import { momentNow } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import { setQueueing } from '../host/map/hold-map.ts'
import { stopQueueing } from '../host/map/multipath.ts'
import { queueingMaps } from '../host/map/queueing.ts'
import type { Attachment, VolumeStatus } from '../model/attachment.ts'
import { LunkeeperError } from '../model/errors.ts'
import type { DmMap } from '../model/snapshot.ts'
import { isAgentRunning } from '../state/records/agent-lock.ts'
import { recordAct } from '../state/records/history.ts'
import { readHoldNote, writeHoldNote } from '../state/records/hold-note.ts'
import { endQueueing, writeShutdownGrace } from '../state/records/shutdown-grace.ts'
import { readRecords } from '../state/records/volumes.ts'
import { statusOf } from '../state/view/status.ts'
import { hasPath } from '../state/view/volume.ts'
import { giveRoomBack } from '../volumes/holding/dirty-limit.ts'
import { mapOf, readyRecord } from './ready.ts'

/** How often it is looked whether anything waits still. */
const POLL_INTERVAL_MS = 250

/** A volume whose I/O waits in a map, which can be told to fail it. */
interface Waiting {
  readonly record: Attachment
  readonly map: DmMap
}

/**
 * Lets I/O that waits fail now. The file system on it is unusable until it is remounted.
 * @throws NOT_FOUND CONFLICT nothing waits, or its session holds it · MAP_FAILED
 */
export async function giveUp(host: Host, name: string): Promise<VolumeStatus> {
  const record = readyRecord(host, name)
  const map = mapOf(host, record)
  if (record.mode === 'session' || !map)
    throw new LunkeeperError('CONFLICT', `${name} is not on a map: its held I/O cannot be failed this way`, {
      hint: 'To drop the volume with what it has not written: lunkeeper detach --force.',
    })
  // A hold that is over already is given up with success, too.
  const isOver = record.mode === 'map' && (readHoldNote(host, record.name)?.ended ?? null) !== null
  if (!isOver && !(await isWaiting(host, { record, map }, () => queueingMaps(host))))
    throw new LunkeeperError('CONFLICT', `${name} is not waiting for its target`)
  await endHold(host, { record, map })
  giveRoomBack(host)
  return statusOf(host, record)
}

/**
 * Lets the I/O of all volumes that wait fail, so that a machine that shuts down can unmount them: not
 * before `grace` has passed, in which their target may return. Ends at once where nothing waits. Works
 * without the agent, also for a volume whose target was lost when no agent ran.
 * @param grace milliseconds
 * @param shutdown those whose target is lost later wait no longer than that either; without an agent, not at all
 * @returns the volumes that were given up
 * @throws CANCELLED MAP_FAILED where one could not be; the others were, all the same
 */
export async function giveUpAll(
  host: Host,
  { grace, shutdown = false }: { readonly grace: number; readonly shutdown?: boolean },
  signal?: AbortSignal,
): Promise<VolumeStatus[]> {
  if (!shutdown) return giveUpWaiting(host, grace, signal)
  writeShutdownGrace(host, grace / 1000)
  const ended = await giveUpWaiting(host, grace, signal)
  // One that runs does it when it is stopped, after the unmounts.
  if (!(await isAgentRunning(host))) await endQueueing(host)
  return ended
}

async function giveUpWaiting(host: Host, grace: number, signal?: AbortSignal): Promise<VolumeStatus[]> {
  const end = performance.now() + grace
  for (;;) {
    const waiting = await allWaiting(host)
    if (waiting.length === 0) return []
    const left = end - performance.now()
    if (left <= 0) return endAll(host, waiting)
    await sleep(Math.min(POLL_INTERVAL_MS, left), undefined, signal ? { signal } : {}).catch(() => {
      throw new LunkeeperError('CANCELLED', 'stopped before anything was given up')
    })
  }
}

async function endAll(host: Host, waiting: readonly Waiting[]): Promise<VolumeStatus[]> {
  const ended = await Promise.allSettled(waiting.map((one) => endHold(host, one)))
  giveRoomBack(host)
  for (const one of ended) if (one.status === 'rejected') throw one.reason as Error
  return Promise.all(waiting.map(({ record }) => statusOf(host, record)))
}

/** multipathd remembers that it was told: a hold that is set afterwards makes its map wait again. */
async function endHold(host: Host, { record: { name, mode }, map }: Waiting): Promise<void> {
  const note = readHoldNote(host, name) ?? { ...momentNow(), ended: null, trouble: null }
  // First noted: an agent that looks meanwhile must not make it wait again.
  writeHoldNote(host, name, { ...note, ended: note.ended ?? 'give-up' })
  await (mode === 'multipathd' ? stopQueueing(host, map) : setQueueing(host, map, false))
  recordAct(host, name, { event: 'gave-up' })
}

async function allWaiting(host: Host): Promise<Waiting[]> {
  let queueing: Promise<ReadonlySet<string>> | null = null
  const all = readRecords(host).attachments.map(async (record): Promise<Waiting[]> => {
    const map = record.mode === 'session' ? null : mapOf(host, record)
    const isOne = map && (await isWaiting(host, { record, map }, () => (queueing ??= queueingMaps(host))))
    return isOne ? [{ record, map }] : []
  })
  return (await Promise.all(all)).flat()
}

/**
 * What the agent has noted; else what the kernel shows: a loss that no agent has seen, or not yet.
 * @param queueing the maps that queue, which a program tells
 */
async function isWaiting(
  host: Host,
  { record, map }: Waiting,
  queueing: () => Promise<ReadonlySet<string>>,
): Promise<boolean> {
  const note = record.mode === 'map' ? readHoldNote(host, record.name) : null
  if (note) return note.ended === null
  return !hasPath(host, record) && (await queueing()).has(map.name)
}
