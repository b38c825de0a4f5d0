import type { Host } from '../../host/host.ts'
import { isOurSession } from '../../host/iscsi/session-note.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { Session } from '../../model/snapshot.ts'
import type { Stepper } from '../step.ts'
import { dismantle } from './dismantle.ts'

/**
 * Takes back what an attach that failed had made: of a volume that was never ready everything, in
 * sessions of ours whatever disk this LUN has, in another's only the disk that this attempt asked for;
 * of one that was ready only disks and sessions that this attempt made, and that nobody uses.
 *
 * Its own failures are warnings: the first error is the one that counts, and the record that stays lets
 * the next attach or detach go on from there.
 */
export async function undo(
  host: Host,
  record: Attachment,
  steps: Stepper,
  scanned: ReadonlySet<number>,
): Promise<void> {
  const ready = record.phase === 'ready'
  const { iqn, lun } = record.request
  const asked = (session: Session) => scanned.has(session.sid)
  try {
    const report = await dismantle(
      host,
      // An identity that did not match is this attempt's disk's: it is judged by what it says itself.
      { iqn, lun, record: ready ? null : { ...record, identity: null }, name: record.name, point: null },
      steps,
      {
        force: false,
        identity: record.identity,
        mayTake: ready ? asked : (session) => asked(session) || isOurSession(host, session),
      },
    )
    for (const left of report.left) steps.warn(`left behind: ${left}`)
  } catch (error) {
    steps.warn(`not everything was taken back: ${(error as Error).message}`)
  }
}
