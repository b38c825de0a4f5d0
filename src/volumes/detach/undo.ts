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
 * Takes back what an attach that failed had made: of a volume that was never ready everything, in
 * sessions of ours whatever disk this LUN has, in another's only the disk that this attempt asked for;
 * of one that was ready only disks and sessions that this attempt made. A disk that a program has open stays.
 *
 * Its own failures are warnings: the first error is the one that counts, and the record that stays lets
 * the next attach or detach go on from there.
 * @returns which disks stay because a program has them open, in words
 */
export async function undo(
  host: Host,
  record: Attachment,
  steps: Stepper,
  scanned: ReadonlySet<number>,
): Promise<readonly string[]> {
  const ready = record.phase === 'ready'
  const { iqn, lun } = record.request
  const mayTake = (session: Session) => scanned.has(session.sid) || (!ready && isOurSession(host, session))
  try {
    const opened = await openDisks(host, record, mayTake)
    const report = await dismantle(
      host,
      // An identity that did not match is this attempt's disk's: it is judged by what it says itself.
      { iqn, lun, record: ready ? null : { ...record, identity: null }, name: record.name, point: null },
      steps,
      {
        force: false,
        mayTake: (session) => mayTake(session) && !opened.has(session.sid),
      },
    )
    for (const left of report.left) steps.warn(`left behind: ${left}`)
    return [...opened.values()]
  } catch (error) {
    steps.warn(`not everything was taken back: ${(error as Error).message}`)
    return []
  }
}

/** By session: of the disks that would be taken, those that a program has open. @throws STUCK */
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
      opened.set(session.sid, `${device!.name} (${formatHctl(disk!.hctl)}) stays: ${sayOpeners(openers)}`)
  }
  return opened
}
