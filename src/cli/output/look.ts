import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Capabilities of an output stream. */
export interface Look {
  /** Columns; infinite for a pipe or a file. */
  readonly width: number
  paint(style: Style, text: string): string
}

/** No colours, unlimited width. */
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

/** https://no-color.org and https://force-color.org: set and not empty; FORCE_COLOR wins. */
function isColoured({ isTTY }: Screen, { FORCE_COLOR, NO_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  if (FORCE_COLOR) return FORCE_COLOR !== '0'
  if (NO_COLOR) return false
  return isTTY === true && TERM !== 'dumb'
}
