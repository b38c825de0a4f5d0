import type { Display } from '../output/display.ts'
import { displayOf } from '../output/display.ts'

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

/** A terminal that shows changing text until the user leaves it. */
export interface LiveScreen extends Disposable {
  readonly display: Display
  readonly rows: number
  /** Replaces the text on the screen. */
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

/** q, Q, Ctrl-C and Ctrl-D, as bytes of a terminal in raw mode. */
const LEAVE_KEYS = new Set([0x71, 0x51, 3, 4])

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Switches to the terminal's alternate screen. The normal screen is restored when the user leaves by a key or a signal, and when
 * the process ends with an error.
 */
export function openScreen(
  output: Output,
  keyboard: Keyboard,
  {
    onLeave,
    onResize,
  }: {
    /** Called when the user leaves. */
    readonly onLeave: () => void
    /** Called when the size of the terminal has changed. */
    readonly onResize: () => void
  },
): LiveScreen {
  let isOpen = true
  const restore = () => {
    if (!isOpen) return
    isOpen = false
    if (keyboard.isTTY) keyboard.setRawMode?.(false)
    output.write(LEAVE)
  }
  const onKey = (data: Buffer) => {
    if (data.some((byte) => LEAVE_KEYS.has(byte))) onLeave()
  }
  process.once('exit', restore)
  for (const name of SIGNALS) process.on(name, onLeave)
  output.on('resize', onResize)
  if (keyboard.isTTY) {
    keyboard.setRawMode?.(true)
    keyboard.on('data', onKey)
    keyboard.resume()
  }
  output.write(ENTER)
  return {
    get display() {
      return displayOf(output)
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
      for (const name of SIGNALS) process.off(name, onLeave)
      output.off('resize', onResize)
      keyboard.off('data', onKey)
      keyboard.pause()
    },
  }
}
