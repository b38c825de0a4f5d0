import type { Host } from '../../host/host.ts'
import { isOurSession } from '../../host/iscsi/session-note.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { Stepper } from '../step.ts'
import { dismantle } from './dismantle.ts'

/**
 * Takes back what an attach that failed had made: in sessions of ours whatever disk this LUN has, in
 * another's only the disk that this attempt asked for. Its own failures are warnings: the first error is the
 * one that counts, and the record that stays lets the next attach or detach go on from there.
 */
export async function undo(
  host: Host,
  record: Attachment,
  steps: Stepper,
  scanned: ReadonlySet<number>,
): Promise<void> {
  try {
    // An identity that did not match is the disk's of this attempt: it is judged by what it says itself.
    const found = {
      iqn: record.request.iqn,
      lun: record.request.lun,
      record: { ...record, identity: null },
      name: record.name,
      point: null,
    }
    const report = await dismantle(host, found, steps, {
      force: false,
      mayTake: (session) => scanned.has(session.sid) || isOurSession(host, session),
    })
    for (const left of report.left) steps.warn(`left behind: ${left}`)
  } catch (error) {
    steps.warn(`not everything was taken back: ${(error as Error).message}`)
  }
}
