import { LunkeeperError } from '../../model/errors.ts'
import type { Observer, StepName } from '../../volumes/step.ts'
import { STEPS } from '../../volumes/step.ts'

const NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const

/** The steps of a detach: a failed attach is undone with them. */
const DETACHING = STEPS.indexOf('mark-detaching')
const GROWING = STEPS.indexOf('rescan')

export interface Stop extends Disposable {
  readonly signal: AbortSignal
  readonly observer: Observer
}

/**
 * The first SIGINT or SIGTERM stops the operation before its next step. The second one ends the process immediately
 * with the exit status that a shell expects: 128 + the signal's number.
 */
export function stopOnSignal(tell: (message: string) => void): Stop {
  const controller = new AbortController()
  const onSignal = (name: keyof typeof NUMBERS) => {
    if (controller.signal.aborted) process.exit(128 + NUMBERS[name])
    tell(
      'stopping after the current step; the same command resumes from there. Press again to stop immediately.',
    )
    controller.abort(new LunkeeperError('CANCELLED', `stopped by ${name}`))
  }
  for (const name of Object.keys(NUMBERS)) process.on(name, onSignal)
  // After the throw, the remaining steps undo the attempt and must run.
  let thrown = false
  let detaching = false
  return {
    signal: controller.signal,
    observer: {
      begin(_, step) {
        detaching ||= step === 'mark-detaching'
        if (!controller.signal.aborted || thrown || (isUndoing(step) && !detaching)) return
        thrown = true
        controller.signal.throwIfAborted()
      },
    },
    [Symbol.dispose]() {
      for (const name of Object.keys(NUMBERS)) process.off(name, onSignal)
    },
  }
}

function isUndoing(step: StepName): boolean {
  const place = STEPS.indexOf(step)
  return place >= DETACHING && place < GROWING
}
