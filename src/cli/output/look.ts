import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** What a place of output can show. */
export interface Look {
  /** Columns; infinite where nobody's screen ends: a pipe, a file. */
  readonly width: number
  paint(style: Style, text: string): string
}

/** Black on white, as wide as it takes. */
export const PLAIN: Look = { width: Number.POSITIVE_INFINITY, paint: (_, text) => text }

export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
}

export function lookOf(screen: Screen, env: NodeJS.ProcessEnv = process.env): Look {
  const width = (screen.isTTY && screen.columns) || PLAIN.width
  if (!isColoured(screen, env)) return { ...PLAIN, width }
  return { width, paint: (style, text) => styleText(style, text, { validateStream: false }) }
}

/** https://no-color.org and https://force-color.org: set and not empty; who forces, wins. */
function isColoured({ isTTY }: Screen, { FORCE_COLOR, NO_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  if (FORCE_COLOR) return FORCE_COLOR !== '0'
  if (NO_COLOR) return false
  return isTTY === true && TERM !== 'dumb'
}
