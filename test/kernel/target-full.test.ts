import { afterEach, describe, expect } from 'vitest'

import { patient } from '../../lab/machine/pace.ts'
import type { NodeFixtures } from './fixtures.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'
import { SEEN_MS } from './volume.ts'

/** Where the target's file is: there is room for a file system, and for nothing more once it has been filled. */
const STORE = '/dev/shm/small'
const FILL = `dd if=/dev/zero of=${STORE}/filler bs=64k 2> /dev/null || :`
const FREE = `rm -f ${STORE}/filler`
/** More than there is room for. */
const WRITE = 'head -c 6291456 /dev/urandom > /mnt/db/file'

/** Like a thin pool without space: INQUIRY is answered, but writes fail. */
describe.each(kernels('bookworm'))('a target that answers, and fails I/O (%s)', (debian) => {
  const it = onNode({
    debian,
    memory: 640,
    agent: true,
    prepare: (node) => node.sh(`mkdir -p ${STORE} && mount -t tmpfs -o size=24m small ${STORE}`),
    luns: [{ lun: 5, serial: 'a11a0005', name: 'ours', dir: STORE }],
  })
  afterEach<NodeFixtures>(({ node }) => node.sh(FREE))

  it('the hold ends in time: it counts from the first failure, however often the path comes back', async ({
    node,
    agent,
    volume,
  }) => {
    await volume.mounted('--hold', '15s')
    await node.sh(FILL)
    const writer = await node.start(['sh', '-c', `${WRITE} && sync -f /mnt/db`])
    await agent.errors(/db: the target answers, but I\/O fails; holding/, SEEN_MS)
    await agent.errors(/db: the hold of 15 s is over/, SEEN_MS)
    expect((await writer.exited).code).not.toBe(0)
  })

  it('detach does not wait for as long as the hold, and loses nothing', async ({ node, agent, volume }) => {
    await volume.mounted('--hold', 'forever')
    await node.sh(FILL)
    await node.sh(`${WRITE} && sha256sum < /mnt/db/file > /tmp/sum`)
    const refused = await lunkeeper(node).fails(['detach', 'db'], 'TARGET_AWAY')
    expect(refused.ms).toBeLessThan(patient(60_000))
    expect((await volume.status()).mount).toBe('/mnt/db')

    await node.sh(FREE)
    await volume.state('ready')
    expect((await volume.detach()).left).toEqual([])
    await volume.again()
    expect(await node.sh('sha256sum < /mnt/db/file')).toBe((await node.read('/tmp/sum')).trim())
    await volume.detach()
    await agent.stop()
    await expectNothingLeft(node)
  })

  it('attach does not wait for as long as mkfs would, and continues once the target takes writes', async ({
    node,
    agent,
    volume,
  }) => {
    await node.sh(FILL)
    const refused = await lunkeeper(node).fails(
      ['attach', ...volume.flags, '--mount', volume.mount, '--format', '--hold', 'forever'],
      'TARGET_AWAY',
    )
    expect(refused.ms).toBeLessThan(patient(120_000))
    await node.sh(FREE)
    expect((await volume.mounted('--hold', 'forever')).state).toBe('ready')
    await node.sh('echo kept > /mnt/db/file')
    await volume.detach()
    await agent.stop()
    await expectNothingLeft(node)
  })
})
