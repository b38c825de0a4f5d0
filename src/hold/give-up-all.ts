import { setTimeout as sleep } from 'node:timers/promises'

import { momentNow } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import { findHoldMap, setQueueing } from '../host/map/hold-map.ts'
import type { Attachment, VolumeStatus } from '../model/attachment.ts'
import { LunkeeperError } from '../model/errors.ts'
import { recordAct } from '../state/records/history.ts'
import { hasPath } from '../state/view/volume.ts'
import { readRecords } from '../state/records/volumes.ts'
import { statusOf } from '../state/view/status.ts'
import { isAgentRunning } from '../state/records/agent-lock.ts'
import { endQueueing, writeShutdownGrace } from '../state/records/shutdown-grace.ts'
import { readHoldNote, writeHoldNote } from '../state/records/hold-note.ts'
import { giveRoomBack } from '../volumes/holding/dirty-limit.ts'

/** How often it is looked whether anything waits still. */
const PULSE = 250

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
    const waiting = await waitingRecords(host)
    if (waiting.length === 0) return []
    const left = end - performance.now()
    if (left <= 0) return endAll(host, waiting)
    await sleep(Math.min(PULSE, left), undefined, signal ? { signal } : {}).catch(() => {
      throw new LunkeeperError('CANCELLED', 'stopped before anything was given up')
    })
  }
}

async function endAll(host: Host, waiting: readonly Attachment[]): Promise<VolumeStatus[]> {
  const ended = await Promise.allSettled(waiting.map(({ name }) => endOne(host, name)))
  giveRoomBack(host)
  for (const one of ended) if (one.status === 'rejected') throw one.reason as Error
  return Promise.all(waiting.map((record) => statusOf(host, record)))
}

async function endOne(host: Host, name: Attachment['name']): Promise<void> {
  const map = findHoldMap(host, name)
  if (!map) return
  const note = readHoldNote(host, name) ?? { ...momentNow(), trouble: null }
  // First noted: an agent that looks meanwhile must not make it wait again.
  writeHoldNote(host, name, { ...note, ended: 'give-up' })
  await setQueueing(host, map, false)
  recordAct(host, name, { event: 'gave-up' })
}

async function waitingRecords(host: Host): Promise<Attachment[]> {
  const agent = await isAgentRunning(host)
  return readRecords(host).attachments.filter((record) => {
    if (record.mode !== 'map') return false
    const note = readHoldNote(host, record.name)
    if (note) return note.ended === null
    // An agent that runs would have noted it.
    return !agent && !hasPath(host, record)
  })
}
