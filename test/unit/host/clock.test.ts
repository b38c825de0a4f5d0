import { afterEach, expect, test, vi } from 'vitest'

import { clockStepSince, momentNow, restamped } from '../../../src/host/clock.ts'

afterEach(() => vi.useRealTimers())

test('clockStepSince is 0 if the wall clock was not set', () => {
  expect(clockStepSince(momentNow())).toBe(0)
})

test.each([3_600_000, -3_600_000, 10_000])(
  'clockStepSince is the step of a wall clock that was set by %i ms',
  (step) => {
    const moment = momentNow()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + step })
    expect(clockStepSince(moment)).toBeGreaterThan(step - 1_000)
    expect(clockStepSince(moment)).toBeLessThan(step + 1_000)
    const since = Date.parse(restamped(moment.since, clockStepSince(moment)))
    // By the present wall clock it is as long ago as by the monotonic clock.
    expect(Math.abs(Date.now() - since)).toBeLessThan(1_000)
  },
)
