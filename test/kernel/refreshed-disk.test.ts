import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { found, gone } from './diagnosis.ts'
import { onNode } from './fixtures.ts'
import { kernels } from './node.ts'
import { OURS, putBack, rescan, swap } from './swap.ts'
import { SEEN_MS, SESSION_HELD } from './volume.ts'
import { Writer } from './writer.ts'

const sizeOf = async (node: LabNode) => Number(await node.read('/sys/block/sda/size')) * 512

/** The kernel keeps what it has read, and fails I/O beyond that size. */
describe.each(kernels('bookworm'))(
  'a disk that the kernel read while its LUN was elsewhere (%s)',
  (debian) => {
    const it = onNode({ debian, memory: 640, agent: true, luns: [OURS] })
    const { lun, ...ours } = OURS
    const BYTES = ours.bytes!

    it('is asked what it is where another volume had answered, and is read again before it is used', async ({
      node,
      target,
      agent,
      volume,
    }) => {
      const { device } = await volume.attach('--hold', 'forever')
      await agent.stop()
      await swap(target, BYTES / 2)
      await rescan(node)
      expect((await volume.status()).state).toBe('misplaced')
      await putBack(target)
      expect((await volume.status()).state).toBe('ready')
      expect(await sizeOf(node)).toBe(BYTES / 2)

      await agent.start()
      await node.until(async () => (await sizeOf(node)) === BYTES, { deadline: SEEN_MS })
      const last = BYTES / (1 << 20) - 1
      await node.sh(`dd if=/dev/zero of=${device} bs=1M seek=${last} count=1 oflag=direct 2> /dev/null`)
      expect((await volume.status()).state).toBe('ready')
      await volume.detach()
    })

    it('is read again where no volume had answered, so that what was held is written', async ({
      node,
      target,
      agent,
      volume,
    }) => {
      await volume.mounted('--hold', 'forever')
      const writer = await Writer.start(node, '/mnt/db/file')
      await target.unmap(lun, { keep: true })
      await agent.errors(/the target answers, but I\/O fails; holding/, SEEN_MS)
      await rescan(node)
      expect(await sizeOf(node)).toBe(0)

      await target.map(lun, ours)
      await volume.state('ready')
      expect(await sizeOf(node)).toBe(BYTES)
      await writer.resumes(SEEN_MS)
      expect(writer.errors).toBe(0)
      await writer.stop()
      await volume.detach()
    })

    it('is read again by attach and by expand where the session holds the volume', async ({
      node,
      target,
      agent,
      volume,
    }) => {
      await agent.stop()
      await volume.attach(...SESSION_HELD)
      await swap(target, BYTES / 2)
      await rescan(node)
      await putBack(target)
      expect((await volume.attach(...SESSION_HELD)).state).toBe('ready')
      expect(await sizeOf(node)).toBe(BYTES)

      await target.unmap(lun, { keep: true })
      await rescan(node)
      await target.map(lun, ours)
      expect(await found(node, 'STALE_SIZE')).toMatchObject({
        message: expect.stringContaining('assumes a size of 0'),
        fix: 'lunkeeper expand db',
      })
      await node.ok(['lunkeeper', 'expand', 'db'])
      expect(await sizeOf(node)).toBe(BYTES)
      await gone(node, 'STALE_SIZE')
      await volume.detach()
    })
  },
)
