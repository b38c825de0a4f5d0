import { ownNodeRecords } from '../../host/iscsi/own-records.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { Portal } from '../../model/portal.ts'
import { formatPortal, samePortal } from '../../model/portal.ts'
import type { Session } from '../../model/snapshot.ts'
import type { NodeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'

export const recordStale: NodeCheck = {
  name: 'node records',
  node: ({ host, records, corrupt, snapshot }) =>
    // If a record cannot be read, its volume may need a node record.
    corrupt.length > 0 ? [] : judgeNodeRecords(ownNodeRecords(host), records, snapshot.sessions),
}

/** A node record that we made, for one portal of a target. */
export interface OwnNodeRecord {
  readonly iqn: string
  readonly portal: Portal
  readonly path: string
}

/** A login in progress does not matter: its volume already has a record. */
export function judgeNodeRecords(
  own: readonly OwnNodeRecord[],
  records: readonly Pick<Attachment, 'request'>[],
  sessions: readonly Pick<Session, 'iqn' | 'portal'>[],
): Finding[] {
  const isNeeded = ({ iqn, portal }: OwnNodeRecord) =>
    records.some(
      ({ request }) => request.iqn === iqn && request.portals.some((one) => samePortal(one, portal)),
    ) || sessions.some((one) => one.iqn === iqn && (one.portal === null || samePortal(one.portal, portal)))
  return own
    .filter((one) => !isNeeded(one))
    .map(({ iqn, portal, path }) => ({
      code: 'RECORD_STALE',
      severity: 'info',
      subject: `${iqn} ${formatPortal(portal)}`,
      message: 'Lunkeeper made this node record of open-iscsi, and neither a session nor a volume needs it',
      evidence: { iqn, portal: formatPortal(portal), path },
      fix: 'Run lunkeeper doctor --fix.',
    }))
}
