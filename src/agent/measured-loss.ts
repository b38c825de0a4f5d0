import type { Host } from '../host/host.ts'
import type { Attachment } from '../model/attachment.ts'
import type { Refused } from '../model/plan/hold-facts.ts'
import type { StepResult } from '../model/plan/hold-steps.ts'
import { readDirtyData } from '../state/view/dirty-data.ts'

/**
 * If the volume is lost, adds the amount of its dirty data. It can be read only now: the pages will be dropped later.
 */
export function measured(host: Host, record: Attachment, refused: Refused): Refused {
  if (refused.cause !== 'lost') return refused
  try {
    const unwritten = readDirtyData(host, record)
    return unwritten === null ? refused : { ...refused, unwritten }
  } catch {
    return refused
  }
}

/** The result of a step, with what was lost if the step found that the volume is. */
export function withMeasuredLoss(host: Host, record: Attachment, result: StepResult): StepResult {
  const measure = (refused: Refused) => measured(host, record, refused)
  if (result.kind === 'verify' && result.refused) return { ...result, refused: measure(result.refused) }
  if (result.kind === 'recover-failed') return { ...result, refused: measure(result.refused) }
  if (result.kind === 'return' && result.came.kind === 'refused')
    return { ...result, came: { ...result.came, refused: measure(result.came.refused) } }
  return result
}
