import { expect, it } from 'vitest'

import { ClockSteps } from '../../../src/agent/clock-steps.ts'

it('a clock that is set is noticed once, by how much; slewing is not', () => {
  const clock = new ClockSteps()
  let wall = 1_000_000
  let ms = 5_000
  const pass = (wallMs: number) => {
    wall += wallMs
    ms += 20_000
    return clock.take(wall, ms)
  }
  expect(pass(0)).toBe(0)
  // An hour of slewing at the maximum rate.
  for (let n = 0; n < 180; n++) expect(pass(20_010)).toBe(0)
  expect(pass(20_000 - 3_600_000)).toBe(-3_600)
  expect(pass(20_000)).toBe(0)
  expect(pass(25_000)).toBe(5)
})
