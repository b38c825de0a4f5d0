import * as z from 'zod'

import type { Ran } from '../../host/exec/run.ts'
import { LunkeeperError } from '../../model/errors.ts'

/** What came out of one drill; the lab, which is no part of the package, says more than this in `--json`. */
const DRILL = z.looseObject({
  /** Lunkeeper's writer went on, lost nothing and had no error. */
  ok: z.boolean(),
  /** The file with the report. */
  report: z.string(),
  /** For a terminal. */
  summary: z.string(),
})
export type DrillOutcome = z.infer<typeof DRILL>

const ANSWER = z.union([
  z.object({ drills: z.array(DRILL) }),
  z.object({ refused: z.string() }),
  z.object({ failed: z.string() }),
])

/** Reads what lab/drill/run.ts printed. @throws USAGE DRILL_FAILED */
export function drillAnswer({
  stdout,
  code,
  signal,
}: Pick<Ran, 'stdout' | 'code' | 'signal'>): DrillOutcome[] {
  const answer = ANSWER.safeParse(parsed(stdout)).data
  if (answer === undefined)
    throw new LunkeeperError(
      'DRILL_FAILED',
      `the drill ended without an answer, ${signal === null ? `with status ${code}` : `by ${signal}`}`,
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
