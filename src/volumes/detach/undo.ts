import type { Host } from '../../host/host.ts'
import { isOurSession } from '../../host/iscsi/session-note.ts'
import type { Attachment } from '../../model/attachment.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { Session } from '../../model/snapshot.ts'
import { lookAtVolume } from '../../state/view/volume.ts'
import { lastingOpeners, openable, sayOpeners } from '../../state/view/openers.ts'
import type { Stepper } from '../step.ts'
import { dismantle } from './dismantle.ts'

/**
 * Undoes a failed attach. If the volume was never ready, everything is removed: in our sessions any disk of this
 * LUN, in other sessions only the disk that this attempt requested. If it was ready before, only disks and sessions
 * that this attempt created are removed. A disk that a program has open stays.
 *
 * Its own failures are warnings: the first error is the relevant one, and the record stays, so that the next attach
 * or detach continues from there.
 * @param identity of the volume, as the record had it before this attempt. If it had none, a disk is judged by its own
 * answer: this attempt's disk may be another volume, and is to be removed all the same
 * @returns the disks that stay because a program has them open, for a message
 */
export async function undo(
  host: Host,
  record: Attachment,
  steps: Stepper,
  scanned: ReadonlySet<number>,
  identity: Attachment['identity'],
): Promise<readonly string[]> {
  const ready = record.phase === 'ready'
  const { iqn, lun } = record.request
  const mayTake = (session: Session) => scanned.has(session.sid) || (!ready && isOurSession(host, session))
  try {
    const opened = await openDisks(host, record, mayTake)
    const report = await dismantle(
      host,
      { iqn, lun, record: ready ? null : { ...record, identity }, name: record.name, point: null },
      steps,
      {
        force: false,
        mayTake: (session) => mayTake(session) && !opened.has(session.sid),
      },
    )
    for (const left of report.left) steps.warn(`left behind: ${left}`)
    return [...opened.values()]
  } catch (error) {
    steps.warn(`not everything was undone: ${(error as Error).message}`)
    return []
  }
}

/** By session: disks that would be removed but that programs have open. @throws STUCK */
async function openDisks(
  host: Host,
  record: Attachment,
  mayTake: (session: Session) => boolean,
): Promise<ReadonlyMap<number, string>> {
  const opened = new Map<number, string>()
  for (const { session, disk } of lookAtVolume(host, record.request, { counts: mayTake }).sessions) {
    const device = disk && openable(disk)
    const openers = device ? await lastingOpeners(host, [device]) : []
    if (openers.length > 0)
      opened.set(
        session.sid,
        `${device!.name} (${formatHctl(disk!.hctl)}) was left in place: ${sayOpeners(openers)}`,
      )
  }
  return opened
}
