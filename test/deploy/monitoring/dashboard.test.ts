// The dashboard's queries, answered by a Prometheus that has what an agent reported in an outage on a kernel of the
// lab.
import { afterAll, beforeAll, expect, it } from 'vitest'

import { temporary } from '../../unit/temporary.ts'
import { expressionsOf, readDashboard } from './dashboard.ts'
import { RecordedPrometheus } from './prometheus.ts'
import type { Recording } from './recording.ts'
import { readRecording } from './recording.ts'

const STEP_S = 5

let recording: Recording
let prometheus: RecordedPrometheus

beforeAll(async () => {
  recording = await readRecording()
  prometheus = await RecordedPrometheus.open(recording.metrics, temporary())
}, 300_000)
afterAll(() => prometheus?.[Symbol.asyncDispose]())

const ask = (expr: string) => prometheus.range(expr, recording.start, recording.end, STEP_S)

it.each(expressionsOf(readDashboard()).map(({ title, expr }) => [title, expr] as const))(
  '%s has something to show: %s',
  async (_, expr) => {
    const series = await ask(expr)
    expect(series).not.toEqual([])
    // A histogram with new series gives NaN if only increase() or rate() is queried.
    expect(series.flatMap(({ values }) => values).some(([, value]) => value !== 'NaN')).toBe(true)
  },
)

it('the outage is seen: two volumes held, their time falls, and they are ready again', async () => {
  const at = async (title: string) => {
    const { expr } = expressionsOf(readDashboard()).find((one) => one.title === title)!
    return (await ask(expr)).map(({ values }) => values.map(([, value]) => Number(value)))
  }
  const [held] = await at('I/O held')
  expect([held![0], Math.max(...held!), held!.at(-1)]).toEqual([0, 2, 0])
  const [left] = await at('Next hold ends in')
  expect(Math.min(...left!)).toBeLessThan(Math.max(...left!))
  const [ready] = await at('Volumes ready')
  expect(ready!.at(-1)).toBe(2)
  expect((await at('Paths that are down')).length).toBe(2)
})
