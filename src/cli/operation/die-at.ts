import { LunkeeperError } from '../../model/errors.ts'
import type { Observer, StepName } from '../../volumes/step.ts'
import { STEPS } from '../../volumes/step.ts'

/**
 * For crash tests: `LUNKEEPER_DIE_AT=<step>:before|after[:n]` kills this process with SIGKILL, at the start or end of the
 * n-th step of that name.
 */
export function dieAt(text: string, die: () => void = () => process.kill(process.pid, 'SIGKILL')): Observer {
  const [step, moment, count = '1', ...rest] = text.split(':')
  const known = STEPS.some((name) => name === step) && (moment === 'before' || moment === 'after')
  if (!known || rest.length > 0 || !/^[1-9]\d*$/.test(count))
    throw new LunkeeperError('USAGE', `LUNKEEPER_DIE_AT is not <step>:before|after[:n]: "${text}"`, {
      hint: `Steps: ${STEPS.join(' ')}`,
    })
  let left = Number(count)
  const reached = (_volume: string, name: StepName) => {
    if (name === step && --left === 0) die()
  }
  return moment === 'before' ? { begin: reached } : { end: reached }
}
