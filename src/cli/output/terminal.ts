import type { Look, Screen } from './look.ts'
import { lookOf } from './look.ts'
import { oneLine } from '../../model/printable.ts'

/** stderr: permanent lines, and on a terminal one changing line below them. */
export interface Terminal {
  readonly isTTY: boolean
  readonly look: Look
  /** Permanent text; several lines are one call. */
  line(text: string): void
  /** The changing line; null removes it. */
  status(text: string | null): void
}

interface Stream extends Screen {
  write(text: string): unknown
  on(event: 'error', listener: () => void): unknown
}

const CLEAR = '\r\u001b[K'

export function openTerminal(stream: Stream): Terminal {
  // The reader has closed the pipe (`2>&1 | head`), which is not a reason to stop in the middle of an operation.
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

/** A wrapped line could not be erased. */
function cut(text: string, columns: number): string {
  return text.length < columns ? text : `${text.slice(0, columns - 2)}…`
}
