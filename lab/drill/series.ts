import { accessSync, constants, writeFileSync } from 'node:fs'
import { dirname, extname, resolve } from 'node:path'

import { runDrill } from './node-down/drill.ts'
import type { KernelWord } from './node-down/kernel-words.ts'
import { live } from './node-down/live.ts'
import type { Verdict } from './node-down/numbers.ts'
import { verdictOn } from './node-down/numbers.ts'
import type { DrillOptions, Plan } from './node-down/plan.ts'
import { planned, TRUE_TIMERS } from './node-down/plan.ts'
import { page } from './node-down/report/page.ts'
import { summary } from './node-down/summary.ts'
import { scaling } from './node-down/words.ts'
import type { SplitPlan } from './split/plan.ts'
import { plannedSplit } from './split/plan.ts'
import { splitPage } from './split/report/page.ts'
import type { Split } from './split/result.ts'
import { runSplit } from './split/split.ts'
import { summary as splitSummary } from './split/summary.ts'
import type { SplitVerdict } from './split/verdict.ts'
import { splitVerdict } from './split/verdict.ts'

export const STORIES = ['node-down', 'split'] as const
export type Story = (typeof STORIES)[number]

export interface DrillRequest extends Omit<DrillOptions, 'trueTime'> {
  /** @default 'node-down' */
  readonly story?: Story
  /** all true-time cases, one after the other, or the case with this stock timer */
  readonly trueTime?: boolean | DrillOptions['trueTime']
  /** where to write the report; with several cases, one file for each, named after its timer */
  readonly report: string
}

interface Shown {
  readonly report: string
  /** for a terminal */
  readonly summary: string
}

export interface NodeDownOutcome extends Verdict, Shown {
  readonly story: 'node-down'
  readonly plan: Plan
  readonly kernel: string
  readonly mode: string
  readonly words: readonly KernelWord[]
}

export interface SplitOutcome extends SplitVerdict, Shown, Pick<Split, 'plan' | 'kernel' | 'words'> {
  readonly story: 'split'
}

/** The result of one drill. */
export type DrillOutcome = NodeDownOutcome | SplitOutcome

/** One drill of a series, and the path of its report. */
export type Episode = { readonly report: string } & (
  | { readonly story: 'node-down'; readonly plan: Plan }
  | { readonly story: 'split'; readonly plan: SplitPlan }
)

/** @throws RangeError the request is invalid; thrown before the first kernel boots */
export function seriesOf(request: DrillRequest): Episode[] {
  const { story = 'node-down', trueTime = false, report, ...rest } = request
  if (story === 'split') {
    if (trueTime !== false) throw new RangeError('the split story has no true-time cases')
    if (rest.takeover !== undefined) throw new RangeError('the split story has one storage machine only')
    return [{ story, plan: plannedSplit(rest), report: placeOf(report, '') }]
  }
  const timers = trueTime === true ? TRUE_TIMERS : trueTime === false ? [] : [trueTime]
  const plans =
    timers.length === 0 ? [planned(rest)] : timers.map((timer) => planned({ ...rest, trueTime: timer }))
  return plans.map((plan) => ({
    story,
    plan,
    report: placeOf(report, plans.length > 1 ? `-${plan.timer}` : ''),
  }))
}

/** Runs the drills one after the other. */
export async function runSeries(series: readonly Episode[]): Promise<DrillOutcome[]> {
  const outcomes: DrillOutcome[] = []
  for (const [index, episode] of series.entries()) {
    if (series.length > 1 && episode.story === 'node-down')
      process.stderr.write(`\nDrill ${index + 1} of ${series.length}. ${scaling(episode.plan)}\n`)
    outcomes.push(await (episode.story === 'split' ? split(episode) : nodeDown(episode)))
  }
  return outcomes
}

async function nodeDown({ plan, report }: { plan: Plan; report: string }): Promise<NodeDownOutcome> {
  const drill = await runDrill(plan, live(process.stderr))
  const verdict = verdictOn(drill)
  const { kernel, mode, words } = drill
  writeFileSync(report, page(drill, verdict))
  return {
    ...verdict,
    story: 'node-down',
    plan,
    kernel,
    mode,
    words,
    report,
    summary: summary(drill, verdict),
  }
}

async function split({ plan, report }: { plan: SplitPlan; report: string }): Promise<SplitOutcome> {
  const { phase } = live(process.stderr)
  const seen = await runSplit(plan, phase)
  const verdict = splitVerdict(seen)
  const { kernel, words } = seen
  writeFileSync(report, splitPage(seen, verdict))
  return { ...verdict, story: 'split', plan, kernel, words, report, summary: splitSummary(seen, verdict) }
}

/** @throws RangeError nothing can be written there */
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
