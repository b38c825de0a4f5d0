import type { Host } from '../host/host.ts'
import { findHoldMap, setQueueing } from '../host/map/hold-map.ts'
import { restoreQueueing } from '../host/map/queueing.ts'
import { setRecovery } from '../host/iscsi/recovery.ts'
import { withLock } from '../host/lock/lock.ts'
import type { Attachment, VolumeStatus } from '../model/attachment.ts'
import type { Hold } from '../model/hold.ts'
import { longerHold } from '../model/hold.ts'
import { safeHold } from '../model/safe-hold.ts'
import { recordAct } from '../state/records/history.ts'
import { volumeLock } from '../state/records/locks.ts'
import { lookAtVolume } from '../state/view/volume.ts'
import { writeRecord } from '../state/records/volumes.ts'
import { statusOf } from '../state/view/status.ts'
import type { OperationControl } from '../volumes/step.ts'
import { mapOf, readyRecord } from './ready.ts'
import { isAgentRunning } from '../state/records/agent-lock.ts'
import { readHoldNote } from '../state/records/hold-note.ts'
import { panicWarning } from '../volumes/holding/panic.ts'
import { configureMultipathd } from '../volumes/holding/multipathd.ts'

/**
 * Changes how long a volume's I/O is held. On a hold map this takes effect at once, even during an outage. The
 * kernel does not change the timer of a lost session: there the new hold applies from the next outage.
 * @param asked null: the recorded one is applied again
 * @throws NOT_FOUND CONFLICT
 */
export async function setHold(
  host: Host,
  name: string,
  asked: Hold | null,
  control: OperationControl = {},
): Promise<VolumeStatus> {
  const first = readyRecord(host, name)
  return withLock(...volumeLock(host, first, 'hold', control.signal), async () => {
    const record = readyRecord(host, name)
    const from = record.request.hold.wanted
    const wanted = asked ?? from
    const changed = { ...record, request: { ...record.request, hold: { ...record.request.hold, wanted } } }
    writeRecord(host, changed)
    if (from !== wanted) recordAct(host, record.name, { event: 'hold-changed', from, to: wanted })
    const panic = panicWarning(host, wanted)
    if (panic !== null) control.observer?.warn?.(record.name, panic)
    if (record.mode === 'map') await queueAgain(host, record)
    if (record.mode === 'session')
      setTimers(host, changed, (message) => control.observer?.warn?.(record.name, message))
    if (record.mode === 'multipathd') {
      await configureMultipathd(host)
      const map = mapOf(host, record)
      if (map) await restoreQueueing(host, map.name)
    }
    return statusOf(host, changed)
  })
}

/** Does what an agent would do when it sees the change, because no agent runs: the map may have been set to fail I/O. */
async function queueAgain(host: Host, { name }: Attachment): Promise<void> {
  const map = findHoldMap(host, name)
  const isOver = (readHoldNote(host, name)?.ended ?? null) !== null
  if (map && !isOver && !(await isAgentRunning(host))) await setQueueing(host, map, true)
}

function setTimers(host: Host, record: Attachment, warn: (message: string) => void): void {
  for (const { session, disk } of lookAtVolume(host, record.request).sessions) {
    if (!disk) continue
    // Another volume of the session may need the longer timer.
    const own = safeHold(record)
    const wanted = session.state === 'LOGGED_IN' ? own : longerHold(session.recoveryTmo, own)
    if (wanted !== session.recoveryTmo && !setRecovery(host, session, wanted))
      warn(
        `the kernel does not change the timer of session ${session.sid} while it is ${session.state}: this outage still ends after ${session.recoveryTmo} s`,
      )
  }
}
