import type { StepName } from '../../../src/volumes/step.ts'
import { ATTACH_STEPS } from '../../../src/volumes/step.ts'

/** Steps that no attach of a history reaches: there is one node, without CHAP and without multipathd. */
const UNREACHED: ReadonlySet<StepName> = new Set(['renew-secret', 'set-timers', 'preempt', 'tell-multipathd'])

/** Steps at which an attach may be killed. If the step is not reached, nothing is killed, and the command ends. */
export const DEADLY_ATTACH_STEPS = ATTACH_STEPS.filter((step) => !UNREACHED.has(step))
