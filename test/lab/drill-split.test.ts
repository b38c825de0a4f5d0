import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { plannedSplit } from '../../lab/drill/split/plan.ts'
import type { Split } from '../../lab/drill/split/result.ts'
import { runSplit } from '../../lab/drill/split/split.ts'
import { summary } from '../../lab/drill/split/summary.ts'
import { splitVerdict } from '../../lab/drill/split/verdict.ts'

describe('a split drill', () => {
  let split: Split

  beforeAll(async () => {
    split = await runSplit(plannedSplit({ outage: 10 }), () => {})
  })
  afterAll(() => process.stderr.write(summary(split, splitVerdict(split))))

  it('the node that Lunkeeper runs on is fenced, and nothing of it reaches the volume', () => {
    const { lunkeeper } = split.sides
    expect(lunkeeper).toMatchObject({ foreign: 0, lost: 0, refused: [], damage: [] })
    expect(lunkeeper.owned).toBeGreaterThan(0)
    expect(lunkeeper.former.fate).toBe('failed')
    expect(split.fenced).not.toBeNull()
    expect(split.words).toContain('lost the volume')
    expect(splitVerdict(split).ok).toBe(true)
  })

  it('the stock node writes what it held into the volume that another node owns', () => {
    const { stock } = split.sides
    expect(stock.foreign).toBeGreaterThan(0)
    expect(splitVerdict(split).stockBroke).toBe(true)
  })
})

it.each([9, 301, Number.NaN])('an outage of %s s is refused', (outage) => {
  expect(() => plannedSplit({ outage })).toThrow(RangeError)
})
