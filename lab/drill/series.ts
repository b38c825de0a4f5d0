import { accessSync, constants, writeFileSync } from 'node:fs'
import { dirname, extname, resolve } from 'node:path'

import { runDrill } from './drill.ts'
import type { KernelWord } from './kernel-words.ts'
import { live } from './live.ts'
import type { Verdict } from './numbers.ts'
import { verdictOn } from './numbers.ts'
import { planned, TRUE_TIMERS } from './plan.ts'
import type { DrillOptions, Plan } from './plan.ts'
import { page } from './report/page.ts'
import { summary } from './summary.ts'
import { scaling } from './words.ts'

export interface DrillRequest extends Omit<DrillOptions, 'trueTime'> {
  /** all true-time cases, one after the other, or the one of this stock timer */
  readonly trueTime?: boolean | DrillOptions['trueTime']
  /** where the report goes; with several cases, one file for each, named after its timer */
  readonly report: string
}

/** What came out of one drill. */
export interface DrillOutcome extends Verdict {
  readonly plan: Plan
  readonly kernel: string
  readonly mode: string
  readonly words: readonly KernelWord[]
  readonly report: string
  /** for a terminal */
  readonly summary: string
}

/** One drill of a series, and the file that its report becomes. */
interface Episode {
  readonly plan: Plan
  readonly report: string
}

/** @throws RangeError the request is wrong: better told now than after six minutes */
export function seriesOf({ trueTime = false, report, ...rest }: DrillRequest): Episode[] {
  const timers = trueTime === true ? TRUE_TIMERS : trueTime === false ? [] : [trueTime]
  const plans =
    timers.length === 0 ? [planned(rest)] : timers.map((timer) => planned({ ...rest, trueTime: timer }))
  return plans.map((plan) => ({ plan, report: placeOf(report, plans.length > 1 ? `-${plan.timer}` : '') }))
}

/** One after the other. */
export async function runSeries(series: readonly Episode[]): Promise<DrillOutcome[]> {
  const outcomes: DrillOutcome[] = []
  for (const [index, episode] of series.entries()) {
    if (series.length > 1)
      process.stderr.write(`\nDrill ${index + 1} of ${series.length}. ${scaling(episode.plan)}\n`)
    outcomes.push(await run(episode))
  }
  return outcomes
}

async function run({ plan, report }: Episode): Promise<DrillOutcome> {
  const drill = await runDrill(plan, live(process.stderr))
  const verdict = verdictOn(drill)
  const { kernel, mode, words } = drill
  writeFileSync(report, page(drill, verdict))
  return { ...verdict, plan, kernel, mode, words, report, summary: summary(drill, verdict) }
}

/** @throws RangeError nothing could be written there */
function placeOf(report: string, which: string): string {
  const file = resolve(report)
  try {
    accessSync(dirname(file), constants.W_OK)
  } catch (error) {
    throw new RangeError(`no report can be written there: ${(error as Error).message}`)
  }
  const suffix = extname(file)
  return `${file.slice(0, file.length - suffix.length)}${which}${suffix}`
}
