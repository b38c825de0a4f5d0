import { wrap } from '../../src/cli/output/wrap.ts'
import type { Row } from './report/parts.ts'
import type { SideName } from './volumes.ts'
import { BOTH, SIDES } from './words.ts'

/** The width of a paragraph on a terminal, in columns. */
const WIDTH = 100

export interface Outcome<Numbers> {
  readonly headline: string
  readonly sides: Readonly<Record<SideName, Numbers>>
  readonly isWell: (numbers: Numbers) => boolean
  readonly fate: (numbers: Numbers) => string
  /** Printed before the numbers; each element becomes a paragraph. */
  readonly story: readonly string[]
  readonly rows: readonly Row<Numbers>[]
  /** Printed after the numbers. */
  readonly notes: readonly string[]
}

/** The end of a drill, for a terminal. */
export function terminalSummary<Numbers>(outcome: Outcome<Numbers>): string {
  const { headline, sides, isWell, fate, story, rows, notes } = outcome
  const cells = [
    ['', SIDES.stock, SIDES.lunkeeper],
    ...rows.map(({ what, of }) => [what, of(sides.stock), of(sides.lunkeeper)]),
  ]
  const widths = [0, 1].map((column) => Math.max(...cells.map((row) => row[column]!.length)) + 2)
  const lines = cells.map(([what, stock, kept]) =>
    `  ${what!.padEnd(widths[0]!)}${stock!.padEnd(widths[1]!)}${kept}`.trimEnd(),
  )
  const fates = BOTH.map(
    (side) => `  ${isWell(sides[side]) ? '✓' : '✗'} ${SIDES[side]}: ${fate(sides[side])}`,
  )
  const paragraph = (text: string) => wrap(text, WIDTH).join('\n')
  const parts = [
    headline,
    fates.join('\n'),
    story.map(paragraph).join('\n'),
    lines.join('\n'),
    ...notes.map(paragraph),
  ]
  return `\n${parts.join('\n\n')}\n`
}
