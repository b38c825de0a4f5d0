import { expect, it } from 'vitest'

import { TargetLimiter } from '../../../src/csi/target-limiter.ts'

it('four calls run at a time for each target, and a target that does not answer delays no other', async () => {
  const targetLimiter = new TargetLimiter()
  let inside = 0
  let most = 0
  const { promise: never } = Promise.withResolvers<void>()
  for (let n = 0; n < 10; n++) void targetLimiter.run('dead', () => never)
  const work = async () => {
    most = Math.max(most, ++inside)
    await new Promise((resolve) => setTimeout(resolve, 2))
    inside--
  }
  await Promise.all(Array.from({ length: 20 }, () => targetLimiter.run('alive', work)))
  expect(most).toBe(4)
  await expect(targetLimiter.run('alive', () => Promise.reject(new Error('broken')))).rejects.toThrow(
    'broken',
  )
  await expect(targetLimiter.run('alive', async () => 'fine')).resolves.toBe('fine')
})
