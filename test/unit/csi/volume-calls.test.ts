import { Code } from '@connectrpc/connect'
import { expect, it } from 'vitest'

import { VolumeCalls } from '../../../src/csi/volume-calls.ts'

it('a second call for a volume is ABORTED immediately until the first one has ended; calls for other volumes run', async () => {
  const volumeCalls = new VolumeCalls()
  const { promise, resolve } = Promise.withResolvers<string>()
  const first = volumeCalls.run('a', 'NodeStageVolume', () => promise)
  await expect(volumeCalls.run('a', 'NodeUnstageVolume', async () => 'no')).rejects.toMatchObject({
    code: Code.Aborted,
    rawMessage: expect.stringContaining('NodeStageVolume'),
  })
  await expect(volumeCalls.run('b', 'NodeStageVolume', async () => 'other')).resolves.toBe('other')
  resolve('done')
  await expect(first).resolves.toBe('done')
  await volumeCalls.idle()
  await expect(volumeCalls.run('a', 'NodeUnstageVolume', async () => 'now')).resolves.toBe('now')
})

it('after a call that failed, the next one can run', async () => {
  const volumeCalls = new VolumeCalls()
  await expect(volumeCalls.run('a', 'x', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  await expect(volumeCalls.run('a', 'y', async () => 'fine')).resolves.toBe('fine')
})
