import { expect, test } from 'vitest'

import type { Hold } from '../../../../src/model/hold.ts'
import { noPathRetry } from '../../../../src/model/plan/retries.ts'

test.each<[Hold, Hold, string]>([
  ['forever', 5, 'queue'],
  [600, 5, '119'],
  [91, 5, '18'],
  [5, 5, 'fail'],
  [0, 5, 'fail'],
  [60, 'forever', 'fail'],
])('to hold %s s with sessions that wait %s s, multipathd is told %s', (hold, recovery, said) => {
  expect(noPathRetry(hold, recovery, 5)).toBe(said)
})
