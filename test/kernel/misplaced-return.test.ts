import { describe, expect } from 'vitest'

import { onNode } from './fixtures.ts'
import { kernels, lunkeeper } from './node.ts'
import { OURS, putBack, swap } from './swap.ts'
import { SEEN_MS } from './volume.ts'
import { Writer } from './writer.ts'

describe.each(kernels('bookworm'))('a misplaced volume comes back (%s)', (debian) => {
  const it = onNode({ debian, memory: 640, agent: true, luns: [OURS] })

  it('a volume whose LUN is swapped under a writer becomes misplaced, and comes back with its file system checked', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    await volume.mounted()
    const writer = await Writer.start(node, '/mnt/db/file')
    // A write between unmap and map would only be held.
    await writer.pause()
    await swap(target)
    await writer.resume()
    await writer.fails(SEEN_MS)
    await agent.errors(/is another volume[^]*may have gone/, SEEN_MS)
    await volume.state('misplaced')
    const after = await target.hash(5)
    const refused = await lunkeeper(node).fails(['detach', 'db'], 'IDENTITY_MISMATCH')
    expect(refused.stderr).toContain('--force')
    await writer.stop()
    await putBack(target)
    await volume.state('ready')
    expect(await node.sh('touch /mnt/db/again && sync -f /mnt/db && echo written')).toContain('written')
    await volume.detach()
    await swap(target)
    expect(await target.hash(5)).toBe(after)
  })

  it('what the kernel has read of another volume meanwhile is asked again, and read again before the volume is used', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    const size = async () => Number(await node.read('/sys/block/sda/size'))
    const sectors = (mib: number) => (mib << 20) / 512
    const { device } = await volume.attach('--hold', 'forever')
    await agent.stop()
    // A smaller one: the kernel fails I/O beyond its size.
    await swap(target, 32 << 20)
    await node.sh('echo 1 > /sys/block/sda/device/rescan')
    expect((await volume.status()).state).toBe('misplaced')
    await putBack(target)
    expect((await volume.status()).state).toBe('ready')
    expect(await size()).toBe(sectors(32))
    await agent.start()
    await node.until(async () => (await size()) === sectors(64))
    await node.sh(`dd if=/dev/zero of=${device} bs=1M seek=48 count=1 oflag=direct 2> /dev/null`)
    expect((await volume.status()).state).toBe('ready')
    await volume.detach()
  })
})
