import { expect, onTestFinished, test, vi } from 'vitest'

import { shareResult } from '../../../src/http/shared-result.ts'

test('a failure is reported to all waiting callers, and the next caller computes again', async () => {
  const compute = vi
    .fn<() => Promise<string>>()
    .mockRejectedValueOnce(new Error('no'))
    .mockResolvedValue('yes')
  const ask = shareResult(compute, 1_000_000)
  const [one, two] = await Promise.allSettled([ask(), ask()])
  expect([one.status, two.status]).toEqual(['rejected', 'rejected'])
  expect(await ask()).toBe('yes')
  expect(await ask()).toBe('yes')
  expect(compute).toHaveBeenCalledTimes(2)
})

test('a computation that takes longer than its result is valid is not started twice', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const compute = vi.fn<() => Promise<string>>(() => promise)
  const ask = shareResult(compute, 0)
  const asked = [ask(), ask()]
  resolve('done')
  expect(await Promise.all(asked)).toEqual(['done', 'done'])
  expect(compute).toHaveBeenCalledTimes(1)
  await ask()
  expect(compute).toHaveBeenCalledTimes(2)
})

test('a computation that never ends does not block later callers', async () => {
  const compute = vi
    .fn<() => Promise<string>>()
    .mockReturnValueOnce(new Promise(() => {}))
    .mockResolvedValue('yes')
  const ask = shareResult(compute, 1_000)
  void ask()
  const now = performance.now()
  vi.spyOn(performance, 'now').mockReturnValue(now + 61_000)
  onTestFinished(() => void vi.restoreAllMocks())
  expect(await ask()).toBe('yes')
})
