import { afterEach, describe, expect } from 'vitest'

import type { NodeFixtures } from './fixtures.ts'
import { onNode } from './fixtures.ts'
import { kernels } from './node.ts'
import { OURS } from './swap.ts'
import { expectCleanDetach, SEEN_MS } from './volume.ts'
import { expectNoError, Writer } from './writer.ts'

describe.each(kernels('bookworm'))('the agent works on a node that is short of something (%s)', (debian) => {
  const it = onNode({ debian, memory: 640, agent: true, luns: [OURS] })
  afterEach<NodeFixtures>(({ node }) =>
    node.sh(
      'rm -f /run/fill; sysctl -qw fs.inotify.max_user_instances=128; ! mountpoint -q /mnt/small || umount -l /mnt/small',
    ),
  )

  it('a hold counts from the first failure where the target answers and fails I/O', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    await node.sh('mkdir -p /mnt/small && mount -t tmpfs -o size=80m tmpfs /mnt/small')
    await target.unmap(5)
    await target.map(5, { ...OURS, name: 'small', dir: '/mnt/small' })
    await volume.mounted('--hold', '20s')
    const writer = await Writer.start(node, '/mnt/db/file')
    await node.sh('dd if=/dev/zero of=/mnt/small/fill bs=1M 2>/dev/null || :')
    await node.start(['sh', '-c', 'dd if=/dev/urandom of=/mnt/db/big bs=1M count=40 conv=fsync 2>/dev/null'])
    // Reported by the agent: on a slow machine the hold is over before a listing ends.
    await agent.errors(/the target answers, but I\/O/, SEEN_MS)
    await agent.errors(/the hold of 20 s is over/, SEEN_MS)
    await writer.fails(SEEN_MS)
    await volume.state('failed')
    await writer.stop()
    await node.remove('/mnt/small/fill')
    await volume.detach('--force')
  })

  it('a full /run does not keep a lost path in use, and does not prevent its return', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    await volume.mounted('--hold', '600s')
    const writer = await Writer.start(node, '/mnt/db/file')
    await node.sh(
      'dd if=/dev/zero of=/run/fill bs=64k 2>/dev/null || dd if=/dev/zero of=/run/fill bs=1 seek=$(stat -c %s /run/fill) count=65536 2>/dev/null || :',
    )
    await target.disable()
    await agent.errors(/all paths lost/, SEEN_MS)
    await target.enable()
    await writer.resumes(SEEN_MS, 3)
    await expectNoError(writer)
    await node.remove('/run/fill')
    await volume.state('ready')
  })

  it('an agent starts and works on a node that has no inotify instance left', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    await agent.stop()
    await node.sh('sysctl -qw fs.inotify.max_user_instances=0')
    await agent.start()
    const { hold } = await volume.mounted()
    expect(hold.mode).toBe('map')
    await target.disable()
    await volume.state('holding')
    await target.enable()
    await volume.state('ready')
    await expectCleanDetach(volume, agent)
  })
})
