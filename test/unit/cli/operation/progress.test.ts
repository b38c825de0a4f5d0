import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { logSteps, showProgress } from '../../../../src/cli/operation/progress.ts'
import { PLAIN } from '../../../../src/cli/output/display.ts'
import { openTerminal, type Terminal } from '../../../../src/cli/output/terminal.ts'
import { parseName } from '../../../../src/model/name.ts'

const db = parseName('db')
let shown: (string | null)[]
let lines: string[]
const terminal = (isTTY: boolean): Terminal => ({
  isTTY,
  display: PLAIN,
  line: (text) => void lines.push(text),
  status: (text) => void shown.push(text),
})

beforeEach(() => {
  shown = []
  lines = []
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => void vi.useRealTimers())

test('a long operation shows its current step and the time so far', async () => {
  using progress = showProgress(terminal(true))
  await progress.observer.begin?.(db, 'login', '10.0.0.5:3260')
  vi.advanceTimersByTime(1_000)
  expect(shown).toEqual([])
  vi.advanceTimersByTime(2_100)
  expect(shown.at(-1)).toBe('logging in (10.0.0.5:3260) … 3 s')
  await progress.observer.end?.(db, 'login', '10.0.0.5:3260', 3_000)
  vi.advanceTimersByTime(250)
  expect(shown.at(-1)).toBe('checking … 3 s')
})

test('the status line is removed when the operation ends', () => {
  showProgress(terminal(true))[Symbol.dispose]()
  vi.advanceTimersByTime(5_000)
  expect(shown).toEqual([null])
})

test('a file or a pipe gets no status line', () => {
  using _ = showProgress(terminal(false))
  vi.advanceTimersByTime(5_000)
  expect(shown).toEqual([])
})

test('--verbose prints a line for each step', async () => {
  await logSteps(terminal(false)).end?.(db, 'login', '127.0.0.1:3260', 81.7)
  expect(lines).toEqual(['step login 127.0.0.1:3260 … 82 ms'])
})

test('a permanent line is printed above the status line', () => {
  let out = ''
  const stream = { isTTY: true, columns: 20, write: (text: string) => ((out += text), true), on: () => {} }
  const screen = openTerminal(stream)
  screen.status('logging in to somewhere far')
  screen.line('warning: x')
  screen.status(null)
  // oxlint-disable-next-line no-control-regex
  expect(out.replace(/\u001b\[\d+m/g, '')).toBe(
    'logging in to some…\r\u001b[Kwarning: x\nlogging in to some…\r\u001b[K',
  )
})
