import { describe, expect } from 'vitest'

import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'
import type { Volume } from './volume.ts'
import { Writer } from './writer.ts'

/** device-mapper accepts 127 characters, 10 of which are the prefix; a volume's name may have 128. */
describe.each(kernels('bookworm'))('a volume may have a long name (%s)', (debian) => {
  const it = onNode({
    debian,
    after: 'keep',
    luns: [117, 118, 128].map((lun) => ({ lun, serial: `a${lun}`, bytes: 32 << 20 })),
    agent: true,
  })

  /** Each volume has a separate, blank LUN. */
  const named = (volume: Volume, length: number) =>
    volume.with({ name: 'n'.repeat(length), lun: length, mount: '/mnt/v' })

  it.for([117, 118])(
    'a volume with a name of %i characters has a hold map, and leaves nothing behind',
    async (length, { node, volume }) => {
      const long = named(volume, length)
      const { hold, device } = await long.mounted('--hold', '120s')
      expect(hold.mode).toBe('map')
      expect(device!.startsWith(`/dev/mapper/lunkeeper-${'n'.repeat(80)}`)).toBe(true)
      const { findings } = JSON.parse((await lunkeeper(node).run(['doctor'])).stdout) as {
        findings: { code: string }[]
      }
      expect(findings.map(({ code }) => code)).not.toContain('MAP_UNOWNED')
      await long.detach()
      expect((await node.storage()).maps).toEqual([])
    },
  )

  it('a volume with a name of 128 characters survives an outage', async ({ node, target, agent, volume }) => {
    const long = named(volume, 128)
    await long.mounted('--hold', '120s')
    const writer = await Writer.start(node, '/mnt/v/file')
    await target.disable()
    await agent.errors(/all paths lost/)
    expect((await long.status()).state).toBe('holding')
    await target.enable()
    await writer.resumes(60_000, 5)
    expect((await long.status()).state).toBe('ready')
    await writer.stop()
    await long.detach()
    await agent.stop()
    await target.remove({ removeFiles: true })
    await expectNothingLeft(node)
  })
})
