import type { OwnerReport } from '../../model/attachment.ts'
import { facts } from './facts.ts'
import type { Look } from './look.ts'
import { table } from './table.ts'

const VERDICT = {
  own: ['green', 'belongs to this node'],
  lost: ['red', 'is lost to this node'],
  wait: ['yellow', 'waits: who owns it is not known now'],
  unguarded: ['yellow', 'is unguarded: nothing keeps a second node from writing'],
} as const satisfies Record<OwnerReport['verdict'], readonly [Parameters<Look['paint']>[0], string]>

const WITNESS: Readonly<Record<string, string>> = {
  held: 'reserved for this node',
  unclaimed: 'no reservation any more',
  lost: 'reserved for another node',
  unknown: 'the target does not tell',
  silent: 'no path answers',
  none: 'not there',
  mine: 'its VolumeAttachment is this node’s',
  gone: 'its VolumeAttachment is gone',
  unreachable: 'cannot be asked',
  same: 'last mounted by this node',
  changed: 'mounted or checked by another node since',
  unreadable: 'cannot be read now',
}

/** Who may write to a volume, and who says so. */
export function ownerText(report: OwnerReport, look: Look): string {
  const { name, verdict, why, guard, holder, key, registered, witnesses } = report
  const [style, text] = VERDICT[verdict]
  const title = `${look.paint('bold', name)} ${look.paint(style, text)}\n`
  const known = facts(
    [
      ['why', why],
      ['guard', guard],
      ['holder', holder ?? 'none'],
      ['own key', key ?? 'none'],
      ['reservation', WITNESS[witnesses.reservation]!],
      ['kubernetes', WITNESS[witnesses.kubernetes]!],
      ['file system', WITNESS[witnesses.mark]!],
      ['record', witnesses.record],
    ],
    look,
  )
  if (registered.length === 0) return title + known
  const keys = table(
    registered,
    [
      { head: 'KEY', cell: (one) => one.key },
      { head: 'HOLDER', cell: (one) => (one.isHolder ? 'yes' : '') },
      { head: 'REGISTERED BY', cell: (one) => one.by },
      { head: 'INITIATOR', cell: (one) => one.initiator ?? '' },
    ],
    look,
  )
  return `${title}${known}\n${keys}`
}
