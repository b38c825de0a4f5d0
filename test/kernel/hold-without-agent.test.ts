import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'
import { expectCleanDetach, SEEN_MS, Volume } from './volume.ts'

/** A queue whose fourth band drops everything, for {@link cut}. */
const LOSSY = [
  'modprobe -a sch_prio sch_netem cls_u32',
  'tc qdisc add dev lo root handle 1: prio bands 4',
  'tc qdisc add dev lo parent 1:4 netem loss 100%',
].join('; ')

/** Drops what is sent to the portal 127.0.0.`last`. */
const cut = (node: LabNode, last: number) =>
  node.sh(
    `tc filter add dev lo parent 1: protocol ip prio ${last} u32 match ip dst 127.0.0.${last}/32 match ip dport 3260 0xffff flowid 1:4`,
  )

const uncut = (node: LabNode, last: number) => node.sh(`tc filter del dev lo parent 1: prio ${last}`)

/** Waits until no session is logged in. */
const lost = (node: LabNode) =>
  node.until(async () => (await lunkeeper(node).sessions()).every(({ state }) => state !== 'LOGGED_IN'), {
    deadline: SEEN_MS,
    what: 'all sessions lost',
  })

describe.each(kernels('bookworm'))('a hold map without an agent (%s)', (debian) => {
  const it = onNode({
    debian,
    memory: 640,
    agent: true,
    target: { portals: ['127.0.0.1:3260', '127.0.0.2:3260'] },
    luns: [{ lun: 5 }],
    volume: { mount: '/mnt/v' },
    prepare: (node) => node.sh(LOSSY),
  })

  it('the lost session is logged out while its target is away, and a detach without an agent makes a path again', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    await volume.mounted('--fs', 'ext4')
    await node.sh('echo unwritten > /mnt/v/file')
    await agent.outage(target)
    await volume.loggedOut()
    expect((await volume.status()).paths).toMatchObject([{ session: null, disk: null }])
    await agent.stop()
    const refused = await lunkeeper(node).fails(['detach', 'db'], 'TARGET_AWAY')
    expect(refused.stderr).toContain('127.0.0.1:3260')
    await target.enable()
    await expectCleanDetach(volume)
    await agent.start()
    await volume.again('--fs', 'ext4')
    expect(await node.read('/mnt/v/file')).toBe('unwritten\n')
    // What can be written is not discarded.
    await node.sh('echo forced > /mnt/v/file')
    await agent.outage(target)
    await volume.loggedOut()
    await agent.stop()
    await target.enable()
    await volume.detach('--force')
    await expectNothingLeft(node)
    await agent.start()
    await volume.again('--fs', 'ext4')
    expect(await node.read('/mnt/v/file')).toBe('forced\n')
    await expectCleanDetach(volume, agent)
  })

  it('a detach without an agent uses a portal that came back while another one carried the I/O', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    const both = new Volume(node, target, { mount: '/mnt/v', portals: ['127.0.0.1', '127.0.0.2'] })
    await both.mounted('--fs', 'ext4')
    await cut(node, 2)
    await both.loggedOut(1)
    await node.sh('echo kept > /mnt/v/file')
    await agent.stop()
    await uncut(node, 2)
    await cut(node, 1)
    await lost(node)
    expect((await both.detach()).left).toEqual([])
    await uncut(node, 1)
    await expectNothingLeft(node)
    await agent.start()
    await volume.again('--fs', 'ext4')
    expect(await node.read('/mnt/v/file')).toBe('kept\n')
    await expectCleanDetach(volume, agent)
  })

  it('attach adds a portal while a lost session holds the I/O of the map', async ({
    node,
    agent,
    volume,
  }) => {
    await volume.mounted('--fs', 'ext4')
    await agent.stop()
    await cut(node, 1)
    const write = await node.start(['sh', '-c', 'echo kept > /mnt/v/file && sync /mnt/v/file'])
    await lost(node)
    await volume.again('--fs', 'ext4', '--portal', '127.0.0.2')
    expect((await write.exited).code).toBe(0)
    await uncut(node, 1)
    await expectCleanDetach(volume)
    await agent.start()
    await volume.again('--fs', 'ext4')
    expect(await node.read('/mnt/v/file')).toBe('kept\n')
    await expectCleanDetach(volume, agent)
  })
})
