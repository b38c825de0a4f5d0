import { setTimeout as sleep } from 'node:timers/promises'

import { momentNow } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import { hasOnlyFailedPaths, setQueueing } from '../host/map/hold-map.ts'
import { stopQueueing } from '../host/map/multipath.ts'
import { queueingMaps } from '../host/map/queueing.ts'
import type { Attachment, VolumeStatus } from '../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../model/errors.ts'
import type { DmMap } from '../model/snapshot.ts'
import { isAgentRunning } from '../state/records/agent-lock.ts'
import { recordAct } from '../state/records/history.ts'
import { readHoldNote, writeHoldNote } from '../state/records/hold-note.ts'
import { endQueueing, writeShutdownGrace } from '../state/records/shutdown-grace.ts'
import { readRecords } from '../state/records/volumes.ts'
import { carriesAlone } from '../state/view/carried.ts'
import { statusOf } from '../state/view/status.ts'
import { hasPath, lookAtAttachment } from '../state/view/volume.ts'
import { restoreDirtyLimit } from '../volumes/holding/dirty-limit.ts'
import { attachedRecord, mapOf } from './ready.ts'

type Warn = (message: string) => void

/** How often to check whether any volume's I/O is still held. */
const POLL_INTERVAL_MS = 250

/** A volume whose I/O is held in a map, which can fail it on command. */
interface Waiting {
  readonly record: Attachment
  readonly map: DmMap
}

/**
 * Fails the volume's held I/O now. Its file system is unusable until it is remounted.
 * @param warn called if the end of the hold could not be noted
 * @throws NOT_FOUND CONFLICT no I/O is held, or the session holds it · MAP_FAILED
 */
export async function giveUp(host: Host, name: string, warn: Warn = () => {}): Promise<VolumeStatus> {
  const record = attachedRecord(host, name)
  const map = mapOf(host, record)
  if (record.mode === 'session' || !map)
    throw new LunkeeperError('CONFLICT', `${name} is not on a map: its held I/O cannot be failed this way`, {
      hint: 'To discard its unwritten data: lunkeeper detach --force.',
    })
  // Giving up a hold that is already over also succeeds.
  const isOver = record.mode === 'map' && (readHoldNote(host, record.name)?.ended ?? null) !== null
  if (!isOver && !(await isWaiting(host, { record, map }, () => queueingMaps(host))))
    throw new LunkeeperError('CONFLICT', `no I/O of ${name} is held`)
  if (!isOver && record.phase === 'detaching' && !(await lacksPath(host, { record, map })))
    throw new LunkeeperError('CONFLICT', `no I/O of ${name} is held: a path is up`)
  await endHold(host, { record, map }, warn)
  unlessUnwritable(() => restoreDirtyLimit(host), warn)
  return statusOf(host, record)
}

/**
 * Fails the held I/O of all volumes, so that a machine that is shutting down can unmount them. First it waits for
 * `grace`, in which their targets may return; it ends at once if no volume's I/O is held. It works without the
 * agent, even for a volume whose target was lost while no agent ran. A full or read-only /run does not prevent it, because
 * the shutdown would hang.
 * @param grace milliseconds
 * @param shutdown I/O of volumes whose target is lost later is not held longer than `grace` either; without an
 * agent, not at all
 * @param warn called for each note that could not be written
 * @returns the volumes that were given up
 * @throws CANCELLED MAP_FAILED a volume could not be given up; the others were given up
 */
export async function giveUpAll(
  host: Host,
  {
    grace,
    shutdown = false,
    warn = () => {},
  }: { readonly grace: number; readonly shutdown?: boolean; readonly warn?: Warn },
  signal?: AbortSignal,
): Promise<VolumeStatus[]> {
  if (!shutdown) return giveUpWaiting(host, grace, warn, signal)
  unlessUnwritable(
    () => writeShutdownGrace(host, grace / 1000),
    (reason) => warn(`${reason}; volumes that lose their target from now on are held for their full hold`),
  )
  const ended = await giveUpWaiting(host, grace, warn, signal)
  // A running agent does this when it is stopped, after the unmounts.
  if (!(await isAgentRunning(host))) await endQueueing(host)
  return ended
}

async function giveUpWaiting(
  host: Host,
  grace: number,
  warn: Warn,
  signal?: AbortSignal,
): Promise<VolumeStatus[]> {
  const end = performance.now() + grace
  for (;;) {
    const waiting = await allWaiting(host)
    if (waiting.length === 0) return []
    const left = end - performance.now()
    if (left <= 0) return endAll(host, waiting, warn)
    await sleep(Math.min(POLL_INTERVAL_MS, left), undefined, signal ? { signal } : {}).catch(() => {
      throw new LunkeeperError('CANCELLED', 'stopped before anything was given up')
    })
  }
}

async function endAll(host: Host, waiting: readonly Waiting[], warn: Warn): Promise<VolumeStatus[]> {
  const ended = await Promise.allSettled(waiting.map((one) => endHold(host, one, warn)))
  unlessUnwritable(() => restoreDirtyLimit(host), warn)
  for (const one of ended) if (one.status === 'rejected') throw one.reason as Error
  return Promise.all(waiting.map(({ record }) => statusOf(host, record)))
}

/** multipathd remembers the command: if a hold is set later, its map queues again. */
async function endHold(host: Host, { record: { name, mode }, map }: Waiting, warn: Warn): Promise<void> {
  // Write the note first: an agent that looks at the volume meanwhile must not enable queueing again.
  unlessUnwritable(
    () => {
      const note = readHoldNote(host, name) ?? { ...momentNow(), ended: null, trouble: null }
      writeHoldNote(host, name, { ...note, ended: note.ended ?? 'give-up' })
    },
    (reason) => warn(`${name}: ${reason}; its held I/O fails all the same`),
  )
  await (mode === 'multipathd' ? stopQueueing(host, map) : setQueueing(host, map, false))
  recordAct(host, name, { event: 'gave-up' })
}

/** Calls `warn` if a file of Lunkeeper cannot be used. */
function unlessUnwritable(write: () => void, warn: Warn): void {
  try {
    write()
  } catch (error) {
    if (!isLunkeeperError(error)) throw error
    warn(error.message)
  }
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
 * Whether the volume's I/O is held, according to the agent's note. Without a note the kernel decides: no agent has
 * seen the loss, or has not yet. After a detach that was killed, the agent fails a path without a note: any map
 * that queues may hold I/O.
 * @param queueing runs a program to read which maps queue
 */
async function isWaiting(
  host: Host,
  { record, map }: Waiting,
  queueing: () => Promise<ReadonlySet<string>>,
): Promise<boolean> {
  const note = record.mode === 'map' ? readHoldNote(host, record.name) : null
  if (note) return note.ended === null && !(await carriesAlone(host, map, lookAtAttachment(host, record)))
  const mayWait = record.phase === 'detaching' || (await lacksPath(host, { record, map }))
  return mayWait && (await queueing()).has(map.name)
}

/** The sessions may be up although the kernel has failed the paths and no agent has recorded that. */
async function lacksPath(host: Host, { record, map }: Waiting): Promise<boolean> {
  return !hasPath(host, record) || hasOnlyFailedPaths(host, map)
}
