import type { Look } from '../output/look.ts'
import { lookOf } from '../output/look.ts'

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

/** A terminal that shows something that changes, until the user leaves it. */
export interface LiveScreen extends Disposable {
  readonly look: Look
  readonly rows: number
  /** Shows these lines in place of the last ones. */
  draw(text: string): void
}

interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
  on(event: 'resize', listener: () => void): unknown
  off(event: 'resize', listener: () => void): unknown
}

interface Keyboard {
  readonly isTTY?: boolean
  setRawMode?(raw: boolean): unknown
  on(event: 'data', listener: (data: Buffer) => void): unknown
  off(event: 'data', listener: (data: Buffer) => void): unknown
  resume(): unknown
  pause(): unknown
}

/** q, Q, Ctrl-C, Ctrl-D: in raw mode they are bytes. */
const LEAVING = new Set([0x71, 0x51, 3, 4])

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Opens the terminal's second screen, so that the first one is there again afterwards: on q, Ctrl-C, a signal, and when the
 * process ends by an error.
 * @param leave called when the user leaves @param resized called when the size has changed
 */
export function openScreen(
  output: Output,
  keyboard: Keyboard,
  { leave, resized }: { readonly leave: () => void; readonly resized: () => void },
): LiveScreen {
  let isOpen = true
  const restore = () => {
    if (!isOpen) return
    isOpen = false
    if (keyboard.isTTY) keyboard.setRawMode?.(false)
    output.write(LEAVE)
  }
  const onKey = (data: Buffer) => {
    if (data.some((byte) => LEAVING.has(byte))) leave()
  }
  process.once('exit', restore)
  for (const name of SIGNALS) process.on(name, leave)
  output.on('resize', resized)
  if (keyboard.isTTY) {
    keyboard.setRawMode?.(true)
    keyboard.on('data', onKey)
    keyboard.resume()
  }
  output.write(ENTER)
  return {
    get look() {
      return lookOf(output)
    },
    get rows() {
      return output.rows ?? 24
    },
    draw(text) {
      if (!isOpen) return
      const lines = text.replace(/\n$/, '').split('\n')
      output.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`)
    },
    [Symbol.dispose]() {
      restore()
      process.off('exit', restore)
      for (const name of SIGNALS) process.off(name, leave)
      output.off('resize', resized)
      keyboard.off('data', onKey)
      keyboard.pause()
    },
  }
}
