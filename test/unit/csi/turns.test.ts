import { Code } from '@connectrpc/connect'
import { expect, it } from 'vitest'

import { Turns } from '../../../src/csi/turns.ts'

it('a second call for the same volume is aborted at once; others are not, and afterwards it is let in', async () => {
  const turns = new Turns()
  const { promise, resolve } = Promise.withResolvers<string>()
  const first = turns.run('a', 'NodeStageVolume', () => promise)
  await expect(turns.run('a', 'NodeUnstageVolume', async () => 'no')).rejects.toMatchObject({
    code: Code.Aborted,
    rawMessage: expect.stringContaining('NodeStageVolume'),
  })
  await expect(turns.run('b', 'NodeStageVolume', async () => 'other')).resolves.toBe('other')
  resolve('done')
  await expect(first).resolves.toBe('done')
  await turns.idle()
  await expect(turns.run('a', 'NodeUnstageVolume', async () => 'now')).resolves.toBe('now')
})

it('a call that fails releases its turn', async () => {
  const turns = new Turns()
  await expect(turns.run('a', 'x', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  await expect(turns.run('a', 'y', async () => 'fine')).resolves.toBe('fine')
})
