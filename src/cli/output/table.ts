import { stripVTControlCharacters } from 'node:util'

import type { Display } from './display.ts'

export interface Column<Row> {
  readonly head: string
  readonly cell: (row: Row) => string
  readonly align?: 'right'
  /** The column is left out if the table is too wide for the screen; `below` then shows its value. */
  readonly wide?: true
  readonly style?: (row: Row) => Parameters<Display['paint']>[0] | null
}

const GAP = '  '

/**
 * Formats rows in aligned columns. If the screen is too narrow, `below` makes a second line with the values of the wide
 * columns.
 */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  display: Display,
  below?: (row: Row) => string,
): string {
  const widths = columns.map(({ head, cell }) =>
    Math.max(head.length, ...rows.map((row) => cell(row).length)),
  )
  const total = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (columns.length - 1)
  const shown = columns.map((column, index) => ({ column, width: widths[index]! }))
  const fits = total <= display.width || !below
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
      ({ style }, padded) => painted(display, style?.(row), padded),
    ),
    ...(fits ? [] : [`${GAP}${below(row)}`]),
  ])
  return [display.paint('dim', head), ...body].map((text) => `${text}\n`).join('')
}

function painted(
  display: Display,
  style: Parameters<Display['paint']>[0] | null | undefined,
  padded: string,
): string {
  if (!style) return padded
  const text = padded.trim()
  return padded.replace(text, () => display.paint(style, text))
}

/** Trims trailing spaces, except those before an escape sequence that ends a colour. */
function trimEnd(text: string): string {
  return stripVTControlCharacters(text) === text ? text.trimEnd() : text.replace(/\s+$/, '')
}
