import { stripVTControlCharacters } from 'node:util'

import type { Look } from './look.ts'

export interface Column<Row> {
  readonly head: string
  readonly cell: (row: Row) => string
  readonly align?: 'right'
  /** Omitted if the line is too long for the screen; `below` then shows it. */
  readonly wide?: true
  readonly style?: (row: Row) => Parameters<Look['paint']>[0] | null
}

const GAP = '  '

/** Aligned columns. If the screen is too narrow, `below` gives a second line for the wide columns. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  look: Look,
  below?: (row: Row) => string,
): string {
  const widths = columns.map(({ head, cell }) =>
    Math.max(head.length, ...rows.map((row) => cell(row).length)),
  )
  const total = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (columns.length - 1)
  const shown = columns.map((column, index) => ({ column, width: widths[index]! }))
  const fits = total <= look.width || !below
  const beside = fits ? shown : shown.filter(({ column }) => !column.wide)
  const line = (
    text: (column: Column<Row>) => string,
    paint: (column: Column<Row>, padded: string) => string,
  ) =>
    trimEnd(
      beside
        .map(({ column, width }) => {
          const plain = text(column)
          return paint(column, column.align ? plain.padStart(width) : plain.padEnd(width))
        })
        .join(GAP),
    )
  const head = line(
    ({ head }) => head,
    (_, padded) => padded,
  )
  const body = rows.flatMap((row) => [
    line(
      ({ cell }) => cell(row),
      ({ style }, padded) => painted(look, style?.(row), padded),
    ),
    ...(fits ? [] : [`${GAP}${below(row)}`]),
  ])
  return [look.paint('dim', head), ...body].map((text) => `${text}\n`).join('')
}

function painted(look: Look, style: Parameters<Look['paint']>[0] | null | undefined, padded: string): string {
  if (!style) return padded
  const text = padded.trim()
  return padded.replace(text, () => look.paint(style, text))
}

/** Trims trailing blanks. Blanks before the end of a colour stay; they are few. */
function trimEnd(text: string): string {
  return stripVTControlCharacters(text) === text ? text.trimEnd() : text.replace(/\s+$/, '')
}
