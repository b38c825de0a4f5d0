import { LunkeeperError } from '../../model/errors.ts'
import type { OperationControl, StepName } from '../../volumes/step.ts'
import { DETACH_STEPS } from '../../volumes/step.ts'

const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const

export type Stop = Disposable & Required<OperationControl>

/**
 * The first SIGINT or SIGTERM stops the operation before its next step. The second one ends the process immediately
 * with the exit status that a shell expects: 128 + the signal's number.
 */
export function stopOnSignal(tell: (message: string) => void): Stop {
  const controller = new AbortController()
  const onSignal = (name: keyof typeof SIGNAL_NUMBERS) => {
    if (controller.signal.aborted) process.exit(128 + SIGNAL_NUMBERS[name])
    tell(
      'stopping after the current step; the same command resumes from there. Press again to stop immediately.',
    )
    controller.abort(new LunkeeperError('CANCELLED', `stopped by ${name}`))
  }
  for (const name of Object.keys(SIGNAL_NUMBERS)) process.on(name, onSignal)
  // Once the signal was thrown, the remaining steps undo the attach and must run.
  let hasThrown = false
  let isDetach = false
  return {
    signal: controller.signal,
    observer: {
      begin(_, step) {
        isDetach ||= step === 'mark-detaching'
        if (!controller.signal.aborted || hasThrown || (isUndoing(step) && !isDetach)) return
        hasThrown = true
        controller.signal.throwIfAborted()
      },
    },
    [Symbol.dispose]() {
      for (const name of Object.keys(SIGNAL_NUMBERS)) process.off(name, onSignal)
    },
  }
}

function isUndoing(step: StepName): boolean {
  return DETACH_STEPS.some((name) => name === step)
}
