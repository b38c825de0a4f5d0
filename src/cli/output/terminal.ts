import type { Look, Screen } from './look.ts'
import { lookOf } from './look.ts'
import { oneLine } from './printable.ts'

/** stderr: lines that stay, and on a terminal below them one that changes. */
export interface Terminal {
  readonly isTTY: boolean
  readonly look: Look
  /** Text that stays; several lines are one call. */
  line(text: string): void
  /** The line that changes; null takes it away. */
  status(text: string | null): void
}

interface Stream extends Screen {
  write(text: string): unknown
  on(event: 'error', listener: () => void): unknown
}

const CLEAR = '\r\u001b[K'

export function openTerminal(stream: Stream): Terminal {
  // Whoever read it has gone (`2>&1 | head`): no reason to stop in the middle of an operation.
  stream.on('error', () => {})
  const look = lookOf(stream)
  const isTTY = stream.isTTY === true && process.env.TERM !== 'dumb'
  let shown = ''
  return {
    isTTY,
    look,
    line: (text) => void stream.write(`${shown && CLEAR}${text.replace(/\n?$/, '\n')}${shown}`),
    status(text) {
      if (!isTTY) return
      const next = text === null ? '' : look.paint('dim', cut(oneLine(text), stream.columns || 80))
      if (next !== shown) stream.write(`${shown && CLEAR}${next}`)
      shown = next
    },
  }
}

/** A line that wraps could not be taken back. */
function cut(text: string, columns: number): string {
  return text.length < columns ? text : `${text.slice(0, columns - 2)}…`
}
