import * as z from 'zod'

import type { RunResult } from '../../host/exec/run.ts'
import { LunkeeperError } from '../../model/errors.ts'

/** Result of one drill. The lab, which is not part of the package, prints more than this with `--json`. */
const DRILL = z.looseObject({
  /** Lunkeeper's writer continued, lost nothing and saw no error. */
  ok: z.boolean(),
  /** Path of the report. */
  report: z.string(),
  /** Summary for a terminal. */
  summary: z.string(),
})
export type DrillOutcome = z.infer<typeof DRILL>

const ANSWER = z.union([
  z.object({ drills: z.array(DRILL) }),
  z.object({ refused: z.string() }),
  z.object({ failed: z.string() }),
])

/** Parses the output of lab/drill/run.ts. @throws USAGE DRILL_FAILED */
export function drillResult({
  stdout,
  code,
  signal,
}: Pick<RunResult, 'stdout' | 'code' | 'signal'>): DrillOutcome[] {
  const answer = ANSWER.safeParse(parsed(stdout)).data
  if (answer === undefined)
    throw new LunkeeperError(
      'DRILL_FAILED',
      `the drill exited without a result, ${signal === null ? `with status ${code}` : `by ${signal}`}`,
    )
  if ('refused' in answer) throw new LunkeeperError('USAGE', answer.refused)
  if ('failed' in answer) throw new LunkeeperError('DRILL_FAILED', answer.failed)
  return answer.drills
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
