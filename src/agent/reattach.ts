import { setTimeout as sleep } from 'node:timers/promises'

import { momentNow } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import { mountAt } from '../host/read/mounts.ts'
import { refusedBy } from '../hold/refusals.ts'
import type { Attachment } from '../model/attachment.ts'
import { asAsked } from '../model/attachment.ts'
import { isLunkeeperError } from '../model/errors.ts'
import type { VolumeName } from '../model/name.ts'
import { recoveryInterval } from '../model/plan/hold-outage.ts'
import { wasAttached } from '../state/records/attached-note.ts'
import { readHoldNote, writeHoldNote } from '../state/records/hold-note.ts'
import { recordSeen } from '../state/records/history.ts'
import { readRecord, readRecords } from '../state/records/volumes.ts'
import { isOfAnotherMachine } from '../state/view/machine.ts'
import { deviceOfVolume, disksOf, lookAtAttachment } from '../state/view/volume.ts'
import { unmountDeadMount } from '../volumes/holding/dead-mount.ts'
import { mustNotBeWritten } from '../volumes/holding/misplaced.ts'
import { attach } from '../volumes/attach/attach.ts'
import type { AgentLog } from './log.ts'

/**
 * Attaches the volumes that a reboot took away: those that their session or multipathd holds, which need no agent otherwise, and
 * those whose file system was not mounted when an attach was killed. A failed attempt is repeated. The monitors attach volumes
 * whose hold map is missing.
 * @returns the volumes whose first attempt has not ended
 */
export function reattachAll(host: Host, log: AgentLog, signal: AbortSignal): ReadonlySet<string> {
  const attaching = new Set<string>()
  for (const record of readRecords(host).attachments) {
    const { name } = record
    if (record.phase !== 'ready') continue
    if (isOfAnotherMachine(host, record)) {
      log.say(
        name,
        'not attached automatically: its record was written on another machine. If no other machine uses the volume any more, run the same attach here',
      )
      continue
    }
    if (!isToBeAttached(host, record)) continue
    attaching.add(name)
    void reattach(host, record, log, signal, () => attaching.delete(name))
  }
  return attaching
}

async function reattach(
  host: Host,
  record: Attachment,
  log: AgentLog,
  signal: AbortSignal,
  tried: () => void,
): Promise<void> {
  const { name } = record
  for (let failures = 0; ; failures++) {
    try {
      const now = readRecord(host, name) ?? record
      await unmountDeadMount(host, now)
      await attach(host, asAsked(now), { observer: log.observer, signal, onlyAgain: true })
      log.say(name, 'attached again', { code: 'reattached' })
      recordSeen(host, name, { event: 'reattached' })
      return
    } catch (error) {
      if (signal.aborted) return
      noteLost(host, record, error)
      log.once(name, 'reattach', `not attached again: ${(error as Error).message}`)
      // A person has to end that first.
      if (isLunkeeperError(error, 'BUSY', 'BAD_MOUNT', 'CONFLICT')) return
    } finally {
      tried()
    }
    await sleep(recoveryInterval(failures), undefined, { signal }).catch(() => {})
    if (signal.aborted || !isStillToBeAttached(host, name)) return
  }
}

function isStillToBeAttached(host: Host, name: VolumeName): boolean {
  try {
    const record = readRecord(host, name)
    return record?.phase === 'ready' && isToBeAttached(host, record)
  } catch (error) {
    // It cannot be read now: the next attempt reports that.
    if (isLunkeeperError(error)) return true
    throw error
  }
}

/**
 * Kubernetes attaches its own volumes. What has a note is brought back by its monitor, or belongs to another node. Of a volume that
 * was attached completely since the boot, a user may have unmounted the file system.
 */
function isToBeAttached(host: Host, record: Attachment): boolean {
  const { name, mode, orchestrator } = record
  if (orchestrator || mustNotBeWritten(host, record)) return false
  // Its monitor attaches a volume that lacks its hold map.
  if (deviceOfVolume(record, lookAtAttachment(host, record)) === null) return mode !== 'map'
  if (wasAttached(host, name) || readHoldNote(host, name) !== null) return false
  const point = record.request.use.mount
  // A disk may have got the name that the volume's disk had before the boot.
  return point === null ? mode !== 'map' : mountAt(host.paths, point) === null
}

/** Another node has had the volume: it is not attached automatically any more, even once that node has given it back. */
function noteLost(host: Host, record: Attachment, error: unknown): void {
  const { cause, message: trouble, holder } = refusedBy(error)
  if (cause !== 'lost') return
  const { name } = record
  const { since, sinceMs } = momentNow()
  // A disk that an earlier attempt left is removed by the volume's monitor.
  const isClear = disksOf(lookAtAttachment(host, record)).length === 0
  const lost = {
    since,
    sinceMs,
    ended: 'fenced',
    kind: 'fenced',
    trouble,
    ...(isClear && { isClear }),
  } as const
  writeHoldNote(host, name, holder === undefined ? lost : { ...lost, holder })
}
