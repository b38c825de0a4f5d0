import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { seriesOf } from '../../lab/drill/series.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'lunkeeper-drill-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

test('in true time there are three drills, each with its real times and a report of its own', () => {
  const series = seriesOf({ trueTime: true, report: join(dir, 'r.html') })
  expect(
    series.map(({ plan: { timer, outage, hold, ping }, report }) => ({ timer, outage, hold, ping, report })),
  ).toEqual([
    { timer: 120, outage: 300, hold: 600, ping: 5, report: join(dir, 'r-120.html') },
    { timer: 300, outage: 330, hold: 600, ping: 5, report: join(dir, 'r-300.html') },
    { timer: 400, outage: 300, hold: 600, ping: 5, report: join(dir, 'r-400.html') },
  ])
})

test('the report of a single drill is written to the requested path', () => {
  for (const trueTime of [400 as const, false]) {
    const series = seriesOf({ trueTime, report: join(dir, 'r.html') })
    expect(series.map(({ report }) => report)).toEqual([join(dir, 'r.html')])
  }
})

test('a report that could not be written is refused before the first kernel boots', () => {
  expect(() => seriesOf({ report: join(dir, 'nowhere/r.html') })).toThrow(RangeError)
})
