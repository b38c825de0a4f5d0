import type { Observer, StepName } from '../../volumes/step.ts'
import { oneLine } from '../../model/printable.ts'
import type { Terminal } from '../output/terminal.ts'
import { STEP_TEXT } from './step-text.ts'

/** A shorter operation shows no progress. */
const SHOW_AFTER_MS = 1_500
const REDRAW_INTERVAL_MS = 250

export interface Progress extends Disposable {
  readonly observer: Observer
}

/** Shows one line with the current step and the time so far, on a terminal only. */
export function showProgress(terminal: Terminal): Progress {
  const started = performance.now()
  const running = new Map<string, { step: StepName; subject: string; since: number }>()
  const draw = () => {
    const now = performance.now()
    if (now - started < SHOW_AFTER_MS) return
    const [current] = [...running.values()].toSorted((a, b) => a.since - b.since)
    const seconds = Math.floor((now - started) / 1000)
    terminal.status(
      `${current ? `${STEP_TEXT[current.step]} (${current.subject})` : 'checking'} … ${seconds} s`,
    )
  }
  const timer = terminal.isTTY ? setInterval(draw, REDRAW_INTERVAL_MS) : null
  timer?.unref()
  return {
    observer: {
      begin: (_, step, subject) =>
        void running.set(`${step} ${subject}`, { step, subject, since: performance.now() }),
      end: (_, step, subject) => void running.delete(`${step} ${subject}`),
    },
    [Symbol.dispose]() {
      if (timer) clearInterval(timer)
      terminal.status(null)
    },
  }
}

/** Prints a line for each step that ended: `step login 127.0.0.1:3260 … 82 ms`. */
export function logSteps(terminal: Terminal): Observer {
  return {
    end: (_, step, subject, milliseconds) =>
      terminal.line(oneLine(`step ${step} ${subject} … ${Math.round(milliseconds)} ms`)),
  }
}
