import type { Row } from '../report/parts.ts'
import { terminalSummary } from '../terminal.ts'
import { BOTH, bytes, SIDES, span } from '../words.ts'
import { REAL } from '../node-down/plan.ts'
import type { Split } from './result.ts'
import type { SplitNumbers, SplitVerdict } from './verdict.ts'
import { isIntact } from './verdict.ts'

export const ROWS: readonly Row<SplitNumbers>[] = [
  { what: "written by node-a into node-b's volume", of: ({ foreignBytes }) => bytes(foreignBytes) },
  {
    what: 'file system check afterwards',
    of: ({ damage }) => (damage.length === 0 ? 'clean' : `${damage.length} complaints`),
  },
  { what: 'acknowledged to node-b', of: ({ ownedBlocks }) => `${ownedBlocks} blocks` },
  {
    what: 'lost of it',
    of: ({ lostBytes }) => (lostBytes === null ? 'could not be read' : bytes(lostBytes)),
  },
  { what: "errors of node-b's writer", of: ({ errors }) => String(errors) },
  { what: "node-a's writer, after its return", of: ({ formerFate }) => formerFate },
]

export function headline({ ok, stockBroke, sides }: SplitVerdict): string {
  if (!ok) return 'Lunkeeper did not keep its promise'
  return stockBroke
    ? `Nothing reached the volume, instead of ${bytes(sides.stock.foreignBytes)} of another node's writes`
    : 'Nothing reached the volume; the stock side was not damaged either'
}

export function fate(numbers: SplitNumbers): string {
  const { foreignBytes, damage, lostBytes } = numbers
  if (isIntact(numbers)) return 'the new owner’s volume is intact: the former node wrote nothing to it'
  const parts = [
    ...(foreignBytes > 0 ? [`the former node wrote ${bytes(foreignBytes)} into the new owner’s volume`] : []),
    ...(damage.length > 0 ? ['its file system is damaged'] : []),
    ...(lostBytes !== 0 ? ['acknowledged blocks are lost'] : []),
  ]
  return parts.length > 0 ? parts.join('; ') : 'the new owner’s writer had errors'
}

export function story({ plan, kernel, cut, moved, back }: Split): string {
  return (
    `Two nodes and a storage machine (Linux ${kernel}, ${plan.fs}). node-a writes to two volumes: one on open-iscsi with a ` +
    `timer (replacement_timeout) of ${plan.timer} s, one on Lunkeeper with a hold of ${plan.hold} s. node-a is cut off and keeps ` +
    `what it could not write. ${span(moved - cut)} later node-b has taken over both volumes and writes. ` +
    `${span(back - cut)} after the cut, node-a is back. While node-b writes nothing, the volumes' files are watched.`
  )
}

export function scaling({ plan }: Split): string {
  return plan.scale === 1
    ? `The outage of ${plan.outage} s is as long as Kubernetes waits before it evicts the pods of a dead node.`
    : `Scaled: the outage of ${plan.outage} s stands for the ${REAL.outage} s that Kubernetes waits before it evicts the pods of a dead node. Both sides are pinged every ${plan.ping} s.`
}

/** The end of a drill, for a terminal. */
export function summary(split: Split, verdict: SplitVerdict): string {
  return terminalSummary({
    headline: headline(verdict),
    sides: verdict.sides,
    isWell: isIntact,
    fate,
    story: [story(split), scaling(split)],
    rows: ROWS,
    notes: [
      ...BOTH.flatMap((side) => {
        const { trouble } = split.sides[side]
        return trouble === null ? [] : [`${SIDES[side]}, read back on node-b: ${trouble}`]
      }),
      ...(split.words === null ? [] : [`The agent on node-a: ${split.words}`]),
    ],
  })
}
