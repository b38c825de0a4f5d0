import { expect, test } from 'vitest'

import type { Unwritten } from '../../../../src/model/plan/dirty-limit.ts'
import { raisedDirtyLimit as roomier } from '../../../../src/model/plan/dirty-limit.ts'

const healthy: Unwritten = { pages: 100, limit: 10_000, background: 5_000, spare: 100_000 }
const raisedDirtyLimit = (
  { stuck = null, ...unwritten }: Unwritten & { stuck?: number | null },
  setting: Parameters<typeof roomier>[1],
) => roomier(unwritten, setting, () => stuck)
const percent = { setting: 'dirty_ratio', value: 20, was: 20 }
const bytes = { setting: 'dirty_bytes', value: 40_960_000, was: 40_960_000 }

test('the limit stays as long as there is room', () => {
  expect(raisedDirtyLimit(healthy, percent)).toBeNull()
  expect(raisedDirtyLimit({ ...healthy, pages: 6_000 }, bytes)).toBeNull()
})

test('what is stuck is added to the room that there is between the two limits without it', () => {
  expect(raisedDirtyLimit({ ...healthy, pages: 10_000 }, bytes)).toBe(40_960_000 * 1.5)
  expect(raisedDirtyLimit({ ...healthy, pages: 8_000 }, percent)).toBe(26)
})

test('the limit is raised again as more gets stuck, and the room stays the same', () => {
  const raised = { ...percent, value: 30 }
  expect(raisedDirtyLimit({ ...healthy, limit: 15_000, pages: 10_500 }, raised)).toBeNull()
  expect(raisedDirtyLimit({ ...healthy, limit: 15_000, pages: 13_000 }, raised)).toBe(36)
})

test('a lower limit that is not below the upper one counts as half of that', () => {
  expect(raisedDirtyLimit({ ...healthy, pages: 10_000, background: 16_000 }, percent)).toBe(30)
})

test('at most half of the available memory is used', () => {
  expect(raisedDirtyLimit({ ...healthy, pages: 10_000, spare: 4_000 }, percent)).toBe(24)
  expect(raisedDirtyLimit({ ...healthy, pages: 10_000, spare: 0 }, percent)).toBeNull()
  expect(
    raisedDirtyLimit({ ...healthy, pages: 10_000 }, { setting: 'dirty_ratio', value: 80, was: 80 }),
  ).toBe(90)
})

test('what others write raises nothing where it is known, and not on and on where it is not', () => {
  expect(raisedDirtyLimit({ ...healthy, pages: 10_000, stuck: 300 }, percent)).toBeNull()
  expect(raisedDirtyLimit({ ...healthy, pages: 10_000, stuck: 8_000 }, percent)).toBe(26)
  const raised = { ...percent, value: 50 }
  const full = { ...healthy, limit: 25_000, pages: 25_000 }
  expect(raisedDirtyLimit({ ...full, spare: 50_000 }, raised)).toBeNull()
  expect(raisedDirtyLimit(full, raised)).toBe(60)
})

test('a kernel without a limit is left alone', () => {
  expect(raisedDirtyLimit({ ...healthy, pages: 10_000, limit: 0 }, percent)).toBeNull()
  expect(raisedDirtyLimit({ ...healthy, pages: 10_000 }, { ...percent, value: 0 })).toBeNull()
})
