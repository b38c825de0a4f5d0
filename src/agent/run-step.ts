import { refusedBy } from '../hold/refusals.ts'
import type { HoldStep, LastingStep, StepResult } from '../model/plan/hold-steps.ts'
import type { HoldBackend, StepWork } from './backends/backend.ts'

const LASTING: ReadonlySet<HoldStep['kind']> = new Set<LastingStep['kind']>([
  'verify',
  'return',
  'recover',
  'clear',
  'attach',
])

/** Whether a step takes long, so that it runs in the background. */
export const isLasting = (step: HoldStep): step is LastingStep => LASTING.has(step.kind)

/** Does an immediate step. @throws the step's failure */
export async function runImmediate(backend: HoldBackend, step: HoldStep, work: StepWork): Promise<void> {
  const act = backend.immediate[step.kind as keyof HoldBackend['immediate']] as
    | ((step: HoldStep, work: StepWork) => Promise<void> | void)
    | undefined
  if (!act) throw new Error(`"${step.kind}" is planned, but cannot be done for this volume`)
  await act(step, work)
}

/** Does a lasting step. @returns its result, also if it throws */
export async function runLasting(
  backend: HoldBackend,
  step: LastingStep,
  work: StepWork,
): Promise<StepResult> {
  try {
    const act = backend.lasting[step.kind] as
      | ((step: LastingStep, work: StepWork) => Promise<StepResult>)
      | undefined
    if (!act) throw new Error(`"${step.kind}" is planned, but cannot be done for this volume`)
    return await act(step, work)
  } catch (error) {
    return failedStep(step, error)
  }
}

/** The result of a step that threw, or that was not started because an earlier one did. */
export function failedStep(step: LastingStep, error: unknown): StepResult {
  const refused = refusedBy(error)
  if (step.kind === 'verify') return { kind: 'verify', step, refused }
  if (step.kind === 'return') return { kind: 'return', step, came: { kind: 'refused', refused } }
  if (step.kind === 'recover') return { kind: 'recover-failed', refused }
  return { kind: 'failed', step, refused }
}
