import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { runDrill } from '../../lab/drill/node-down/drill.ts'
import { verdictOn, type Verdict } from '../../lab/drill/node-down/numbers.ts'
import { planned } from '../../lab/drill/node-down/plan.ts'
import { page } from '../../lab/drill/node-down/report/page.ts'
import type { Drill } from '../../lab/drill/node-down/result.ts'
import { summary } from '../../lab/drill/node-down/summary.ts'

describe('a drill', () => {
  let drill: Drill
  let verdict: Verdict
  let phases: string[]
  let pulses = 0

  beforeAll(async () => {
    phases = []
    drill = await runDrill(planned({ outage: 12 }), {
      phase: (name) => void phases.push(name),
      pulse: () => void pulses++,
    })
    verdict = verdictOn(drill)
  })
  afterAll(() => process.stderr.write(summary(drill, verdict)))

  it('the writer that Lunkeeper keeps pauses: no error, nothing lost, and it resumes automatically', () => {
    const { errors, lostBytes, wentOn, longestPauseSeconds } = verdict.sides.lunkeeper
    expect({ errors, lostBytes, wentOn }).toEqual({ errors: 0, lostBytes: 0, wentOn: true })
    expect(longestPauseSeconds).toBeGreaterThanOrEqual(12)
    expect(verdict.ok).toBe(true)
    expect(drill.mode).toBe('map')
    expect(drill.holding.map(({ state }) => state)).toEqual([false, true, false])
  })

  it('the one on a stock session breaks when its timer runs out, and stays broken', () => {
    const { errors, errorCodes, firstErrorSeconds, wentOn } = verdict.sides.stock
    expect(errors).toBeGreaterThan(0)
    expect(errorCodes).toContain('EROFS')
    // the timer's 5 s, and the time that it takes to notice the silence
    expect(firstErrorSeconds).toBeGreaterThanOrEqual(5)
    expect(firstErrorSeconds).toBeLessThan(12)
    expect(wentOn).toBe(false)
    expect(drill.words.map(({ text }) => text).join('\n')).toContain('Remounting filesystem read-only')
  })

  it('the report has the numbers, an alternative in words, and nothing from elsewhere', () => {
    const html = page(drill, verdict)
    const { stock, lunkeeper } = verdict.sides
    expect(html).toContain(`A pause of ${lunkeeper.longestPauseSeconds.toFixed(1)} s`)
    expect(html).toContain(`>${stock.errors}</dd>`)
    expect(html).toContain(`in ${stock.acknowledgedBlocks} blocks`)
    expect(html).toContain(`in ${lunkeeper.acknowledgedBlocks} blocks`)
    expect(html).toMatch(/<desc [^>]*>[^<]*Lunkeeper: no error/)
    expect(html).not.toMatch(/<script|<link|<img|url\(|https?:|NaN|undefined/)
  })

  it('is not passed when a block is lost, when there was an error, or when it did not resume', () => {
    const { lunkeeper } = drill.sides
    const but = (change: Partial<Drill['sides']['lunkeeper']>) =>
      verdictOn({ ...drill, sides: { ...drill.sides, lunkeeper: { ...lunkeeper, ...change } } }).ok
    expect(but({ lost: 1 })).toBe(false)
    expect(but({ lost: null })).toBe(false)
    expect(but({ refused: [{ n: 1, at: drill.back, ms: 1, error: 'EIO' }] })).toBe(false)
    expect(but({ acknowledged: lunkeeper.acknowledged.filter(({ at }) => at < drill.killed) })).toBe(false)
  })

  it('tells its audience how it stands', () => {
    expect(phases).toContain('the storage machine is killed')
    expect(pulses).toBeGreaterThan(20)
  })
})

describe('the plan of a drill', () => {
  it('the outage and the timers are scaled by one factor', () => {
    expect(planned({})).toMatchObject({ outage: 25, timer: 10, hold: 50, ping: 1 })
    expect(planned({ trueTime: 120 })).toMatchObject({
      outage: 300,
      timer: 120,
      hold: 600,
      ping: 5,
      scale: 1,
    })
  })

  it.each([{ outage: 9 }, { outage: 301 }, { outage: Number.NaN }, { outage: 25, trueTime: 400 as const }])(
    'refuses %j',
    (options) => expect(() => planned(options)).toThrow(RangeError),
  )
})
