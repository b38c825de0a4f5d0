import type { Display, OutputStream } from './display.ts'
import { displayOf } from './display.ts'
import { oneLine } from '../../model/printable.ts'

/** stderr: permanent lines and, on a terminal, a status line below them. */
export interface Terminal {
  readonly isTTY: boolean
  readonly display: Display
  /** Prints permanent text of one or more lines. */
  line(text: string): void
  /** Sets the status line; null removes it. */
  status(text: string | null): void
}

interface Stream extends OutputStream {
  write(text: string): unknown
  on(event: 'error', listener: () => void): unknown
}

const CLEAR = '\r\u001b[K'

export function openTerminal(stream: Stream): Terminal {
  // A reader that closes the pipe (`2>&1 | head`) must not stop an operation.
  stream.on('error', () => {})
  const display = displayOf(stream)
  const isTTY = stream.isTTY === true && process.env.TERM !== 'dumb'
  let shown = ''
  return {
    isTTY,
    display,
    line: (text) => void stream.write(`${shown && CLEAR}${text.replace(/\n?$/, '\n')}${shown}`),
    status(text) {
      if (!isTTY) return
      const next = text === null ? '' : display.paint('dim', cut(oneLine(text), stream.columns || 80))
      if (next !== shown) stream.write(`${shown && CLEAR}${next}`)
      shown = next
    },
  }
}

/** Cuts text to one line, because a wrapped status line could not be erased. */
function cut(text: string, columns: number): string {
  return text.length < columns ? text : `${text.slice(0, columns - 2)}…`
}
