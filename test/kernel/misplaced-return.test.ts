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
})
