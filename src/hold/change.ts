import type { Host } from '../host/host.ts'
import { findHoldMap, setQueueing } from '../host/map/hold-map.ts'
import { stopQueueing } from '../host/map/multipath.ts'
import { restoreQueueing } from '../host/map/queueing.ts'
import { setRecovery } from '../host/iscsi/recovery.ts'
import { withLock } from '../host/lock/lock.ts'
import type { Attachment, VolumeStatus } from '../model/attachment.ts'
import { LunkeeperError } from '../model/errors.ts'
import type { Hold } from '../model/hold.ts'
import { longerHold } from '../model/hold.ts'
import { safeHold } from '../model/safe-hold.ts'
import type { DmMap } from '../model/snapshot.ts'
import { parseName } from '../model/name.ts'
import { recordAct } from '../state/records/history.ts'
import { volumeLock } from '../state/records/locks.ts'
import { lookAtVolume } from '../state/view/volume.ts'
import { readRecord, writeRecord } from '../state/records/volumes.ts'
import { statusOf } from '../state/view/status.ts'
import type { Observer } from '../volumes/step.ts'
import { isAgentRunning } from '../state/records/agent-lock.ts'
import { readHoldNote, writeHoldNote } from '../state/records/hold-note.ts'
import { panicWarning } from '../volumes/holding/panic.ts'
import { giveRoomBack } from '../volumes/holding/dirty-limit.ts'
import { steerMultipathd } from '../volumes/holding/multipathd.ts'

interface Told {
  readonly observer?: Observer
  readonly signal?: AbortSignal
}

/**
 * Changes how long a volume's I/O waits; on a hold map at once, in an outage too. In a session that is
 * lost the kernel takes no other timer: it counts from the next outage on.
 * @throws NOT_FOUND CONFLICT
 */
export async function setHold(
  host: Host,
  name: string,
  wanted: Hold,
  told: Told = {},
): Promise<VolumeStatus> {
  const first = readyRecord(host, name)
  return withLock(...volumeLock(host, first, 'hold', told.signal), async () => {
    const record = readyRecord(host, name)
    const changed = { ...record, request: { ...record.request, hold: { ...record.request.hold, wanted } } }
    writeRecord(host, changed)
    const from = record.request.hold.wanted
    if (from !== wanted) recordAct(host, record.name, { event: 'hold-changed', from, to: wanted })
    const panic = panicWarning(host, wanted)
    if (panic !== null) told.observer?.warn?.(record.name, panic)
    if (record.mode === 'map') await queueAgain(host, record)
    if (record.mode === 'session')
      setTimers(host, changed, (message) => told.observer?.warn?.(record.name, message))
    if (record.mode === 'multipathd') {
      await steerMultipathd(host)
      const map = mapOf(host, record)
      if (map) await restoreQueueing(host, map.name)
    }
    return statusOf(host, changed)
  })
}

/** What an agent does as soon as it sees the change; if none is running, the map may have been set to fail. */
async function queueAgain(host: Host, { name }: Attachment): Promise<void> {
  const map = findHoldMap(host, name)
  const isOver = (readHoldNote(host, name)?.ended ?? null) !== null
  if (map && !isOver && !(await isAgentRunning(host))) await setQueueing(host, map, true)
}

function setTimers(host: Host, record: Attachment, warn: (message: string) => void): void {
  for (const { session, disk } of lookAtVolume(host, record.request).sessions) {
    if (!disk) continue
    // Another volume of the session may need the longer one.
    const own = safeHold(record)
    const wanted = session.state === 'LOGGED_IN' ? own : longerHold(session.recoveryTmo, own)
    if (wanted !== session.recoveryTmo && !setRecovery(host, session, wanted))
      warn(
        `the kernel does not change the timer of session ${session.sid} while it is ${session.state}: this outage still ends after ${session.recoveryTmo} s`,
      )
  }
}

/**
 * Lets I/O that waits fail now. The file system on it is unusable until it is remounted.
 * @throws NOT_FOUND CONFLICT nothing waits, or not on a hold map · MAP_FAILED
 */
export async function giveUp(host: Host, name: string): Promise<VolumeStatus> {
  const record = readyRecord(host, name)
  if (record.mode === 'multipathd') return giveUpMultipathd(host, record)
  const map = findHoldMap(host, record.name)
  if (!map)
    throw new LunkeeperError(
      'CONFLICT',
      `${name} is not on a hold map: its held I/O cannot be failed this way`,
      {
        hint: 'To drop the volume with what it has not written: lunkeeper detach --force.',
      },
    )
  const note = readHoldNote(host, record.name)
  if (!note) throw new LunkeeperError('CONFLICT', `${name} is not waiting for its target`)
  // First noted: an agent that looks meanwhile must not make it wait again.
  if (note.ended === null) writeHoldNote(host, record.name, { ...note, ended: 'give-up' })
  await setQueueing(host, map, false)
  recordAct(host, record.name, { event: 'gave-up' })
  giveRoomBack(host)
  return statusOf(host, record)
}

/** multipathd remembers that it was told: a hold that is set afterwards makes the map wait again. */
async function giveUpMultipathd(host: Host, record: Attachment): Promise<VolumeStatus> {
  const { state } = await statusOf(host, record)
  const map = mapOf(host, record)
  if (state !== 'holding' || !map)
    throw new LunkeeperError('CONFLICT', `${record.name} is not waiting for its target`)
  const note = readHoldNote(host, record.name)
  if (note?.ended === null) writeHoldNote(host, record.name, { ...note, ended: 'give-up' })
  await stopQueueing(host, map)
  recordAct(host, record.name, { event: 'gave-up' })
  return statusOf(host, record)
}

function mapOf(host: Host, { request, identity, name }: Attachment): DmMap | null {
  return lookAtVolume(host, { ...request, wwid: identity?.wwid, owner: name }).maps[0] ?? null
}

function readyRecord(host: Host, name: string): Attachment {
  const record = readRecord(host, parseName(name))
  if (!record) throw new LunkeeperError('NOT_FOUND', `no volume is called "${name}"`)
  if (record.phase !== 'ready') throw new LunkeeperError('CONFLICT', `${name} is ${record.phase}`)
  return record
}
