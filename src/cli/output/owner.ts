import type { OwnerReport } from '../../model/attachment.ts'
import { labelledValues } from './labelled-values.ts'
import type { Display } from './display.ts'
import { table } from './table.ts'

const VERDICT_TEXT = {
  own: ['green', 'belongs to this node'],
  lost: ['red', 'is lost to this node'],
  wait: ['yellow', 'waits: its owner cannot be determined now'],
  unguarded: ['yellow', 'is unguarded: nothing keeps a second node from writing'],
} as const satisfies Record<OwnerReport['verdict'], readonly [Parameters<Display['paint']>[0], string]>

const WITNESS_TEXT: Readonly<Record<string, string>> = {
  held: 'reserved for this node',
  unclaimed: 'no longer reserved',
  lost: 'reserved for another node',
  unknown: 'not reported by the target',
  silent: 'no path answers',
  none: 'none',
  mine: 'its VolumeAttachment is this node’s',
  gone: 'its VolumeAttachment is gone',
  unreachable: 'its API does not answer, or cannot be asked from here (run this in the agent’s container)',
  same: 'last mounted by this node',
  changed: 'mounted or checked by another node since',
  unreadable: 'cannot be read now',
}

/** Who may write to a volume, and the evidence for it. */
export function ownerText(report: OwnerReport, display: Display): string {
  const { name, verdict, why, guard, holder, key, registered, witnesses } = report
  const [style, text] = VERDICT_TEXT[verdict]
  const title = `${display.paint('bold', name)} ${display.paint(style, text)}\n`
  const known = labelledValues(
    [
      ['why', why],
      ['guard', guard],
      ['holder', holder ?? 'none'],
      ['own key', key ?? 'none'],
      ['reservation', WITNESS_TEXT[witnesses.reservation]!],
      ['kubernetes', WITNESS_TEXT[witnesses.kubernetes]!],
      ['file system', WITNESS_TEXT[witnesses.mark]!],
      ['record', witnesses.record],
    ],
    display,
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
    display,
  )
  return `${title}${known}\n${keys}`
}
