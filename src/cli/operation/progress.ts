import type { Observer, StepName } from '../../volumes/step.ts'
import { oneLine } from '../../model/printable.ts'
import type { Terminal } from '../output/terminal.ts'
import { STEP_WORDS } from './step-words.ts'

/** A shorter operation shows only its result. */
const PATIENCE = 1_500
const BEAT = 250

export interface Progress extends Disposable {
  readonly observer: Observer
}

/** On a terminal: one line with the current step and its duration. Elsewhere nothing. */
export function showProgress(terminal: Terminal): Progress {
  const started = performance.now()
  const running = new Map<string, { step: StepName; subject: string; since: number }>()
  const draw = () => {
    const now = performance.now()
    if (now - started < PATIENCE) return
    const [current] = [...running.values()].toSorted((a, b) => a.since - b.since)
    const seconds = Math.floor((now - started) / 1000)
    terminal.status(
      `${current ? `${STEP_WORDS[current.step]} (${current.subject})` : 'looking'} … ${seconds} s`,
    )
  }
  const timer = terminal.isTTY ? setInterval(draw, BEAT) : null
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

/** One line for each step that ended: `step login 127.0.0.1:3260 … 82 ms`. */
export function nameSteps(terminal: Terminal): Observer {
  return {
    end: (_, step, subject, milliseconds) =>
      terminal.line(oneLine(`step ${step} ${subject} … ${Math.round(milliseconds)} ms`)),
  }
}
