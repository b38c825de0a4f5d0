import { expect, it } from 'vitest'

import { LunkeeperError } from '../../../../src/model/errors.ts'
import { stoppable } from '../../../../src/volumes/holding/stoppable.ts'

const reason = new LunkeeperError('IDENTITY_MISMATCH', 'another volume')
/** Never resolves; rejects with the signal, as a pause does. */
const quiet = (over: AbortSignal) =>
  new Promise<never>((_, reject) => over.addEventListener('abort', () => reject(new Error('over'))))

it('work that ends first counts, with its result or its error, and its watch ends', async () => {
  let watched: AbortSignal | undefined
  const watch = (over: AbortSignal) => ((watched = over), quiet(over))
  expect(await stoppable(async () => 7, { watch })).toBe(7)
  expect(watched?.aborted).toBe(true)
  const failing = stoppable(() => Promise.reject(new Error('broken')), { watch })
  await expect(failing).rejects.toThrow('broken')
})

it('a reason to stop ends the wait, after the I/O of the work was stopped', async () => {
  const order: string[] = []
  const { promise, reject } = Promise.withResolvers<never>()
  const work = (over: AbortSignal) => {
    over.addEventListener('abort', () => order.push('wait ended'))
    return promise
  }
  const stop = async () => {
    order.push('stopped')
    reject(new Error('EIO'))
  }
  await expect(stoppable(work, { watch: async () => reason, stop })).rejects.toBe(reason)
  expect(order).toEqual(['stopped', 'wait ended'])
})

it('I/O that cannot be stopped is reported', async () => {
  const stop = () => Promise.reject(new Error('no dmsetup'))
  const stopped = stoppable(quiet, { watch: async () => reason, stop })
  await expect(stopped).rejects.toThrow('no dmsetup')
})

it('the wait ends with the signal of the caller', async () => {
  const caller = new AbortController()
  const waiting = stoppable(quiet, { watch: quiet, signal: caller.signal })
  caller.abort()
  await expect(waiting).rejects.toThrow('over')
})
