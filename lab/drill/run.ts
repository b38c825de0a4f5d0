// Started by `lunkeeper drill`: takes a DrillRequest as JSON, shows the drill on stderr, and answers with one JSON
// document on stdout.
import type { DrillOutcome, DrillRequest } from './series.ts'
import { runSeries, seriesOf } from './series.ts'

/** One of these: the result, an invalid request, or a drill that could not be completed. */
type Answer =
  | { readonly drills: readonly DrillOutcome[] }
  | { readonly refused: string }
  | { readonly failed: string }

async function answer(request: DrillRequest): Promise<Answer> {
  let series: ReturnType<typeof seriesOf>
  try {
    series = seriesOf(request)
  } catch (error) {
    if (error instanceof RangeError) return { refused: error.message }
    throw error
  }
  try {
    return { drills: await runSeries(series) }
  } catch (error) {
    return { failed: (error as Error).message }
  }
}

process.stdout.write(JSON.stringify(await answer(JSON.parse(process.argv[2] ?? '{}') as DrillRequest)))
