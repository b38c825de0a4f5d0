import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** How text is shown on an output stream: its width, and colours if it has them. */
export interface Display {
  /** Number of columns; infinite for a pipe or a file. */
  readonly width: number
  paint(style: Style, text: string): string
}

/** No colours, unlimited width. */
export const PLAIN: Display = { width: Number.POSITIVE_INFINITY, paint: (_, text) => text }

export interface OutputStream {
  readonly isTTY?: boolean
  readonly columns?: number
}

export function displayOf(screen: OutputStream, env: NodeJS.ProcessEnv = process.env): Display {
  const width = (screen.isTTY && screen.columns) || PLAIN.width
  if (!isColoured(screen, env)) return { ...PLAIN, width }
  return { width, paint: (style, text) => styleText(style, text, { validateStream: false }) }
}

/** NO_COLOR and FORCE_COLOR count if they are not empty; FORCE_COLOR has priority (no-color.org, force-color.org). */
function isColoured({ isTTY }: OutputStream, { FORCE_COLOR, NO_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  if (FORCE_COLOR) return FORCE_COLOR !== '0'
  if (NO_COLOR) return false
  return isTTY === true && TERM !== 'dumb'
}
