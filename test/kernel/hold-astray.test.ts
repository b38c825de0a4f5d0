import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import type { Agent } from './agent.ts'
import { onNode } from './fixtures.ts'
import { expectCleanDetach } from './volume.ts'
import { expectNothingLost, Writer } from './writer.ts'

const [ONE, TWO, THREE] = ['127.0.0.1', '127.0.0.2', '127.0.0.3']

describe('a volume that comes back elsewhere is found', () => {
  const it = onNode({
    memory: 640,
    agent: true,
    luns: [
      { lun: 5, serial: 'aaaa5', name: 'first' },
      { lun: 6, serial: 'aaaa6', name: 'second' },
    ],
    volume: { name: 'first', mount: '/mnt/a' },
  })

  const disks = async (node: LabNode) => (await node.storage()).disks.length

  /** Waits until the agent has asked the disks which volumes they are: nothing else sends commands to an idle disk. */
  async function asked(node: LabNode): Promise<void> {
    await node.sh('udevadm settle')
    const commands = () => node.sh('cat /sys/class/scsi_device/*/device/iorequest_cnt')
    for (let times = 0; times < 2; times++) {
      const before = await commands()
      await node.until(async () => (await commands()) !== before, { deadline: 30_000, what: 'a question' })
    }
  }

  /** Moves volumes to other numbers while the target is away. */
  async function renumbered(
    target: Target,
    agent: Agent,
    luns: Readonly<Record<number, string>>,
  ): Promise<void> {
    await target.disable()
    await agent.errors(/all paths lost/)
    await target.unmap(
      target.luns.map(({ lun }) => lun),
      { keep: true },
    )
    for (const [lun, name] of Object.entries(luns)) await target.map(Number(lun), { name })
    await target.enable()
  }

  it('a volume is found by its identity under another LUN number, and two that changed places are not confused', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    const second = volume.with({ name: 'second', lun: 6 })
    await volume.mounted('--hold', '600s')
    await second.attach('--hold', '600s')
    const writers = [
      await Writer.start(node, '/mnt/a/file'),
      await Writer.start(node, '/dev/mapper/lunkeeper-second'),
    ]
    await renumbered(target, agent, { 9: 'first', 6: 'second' })
    for (const writer of writers) await writer.resumes(20_000, 10)
    expect((await volume.status()).paths[0]!.lun).toBe(9)
    expect(await disks(node)).toBe(2)
    await renumbered(target, agent, { 9: 'second', 6: 'first' })
    for (const writer of writers) await writer.resumes(20_000, 10)
    expect(await disks(node)).toBe(2)
    for (const writer of writers) {
      await expectNothingLost(writer)
    }
    // It is still the requested volume.
    await volume.again('--hold', '600s')
    expect((await volume.status()).paths[0]!.lun).toBe(6)
    expect((await second.detach()).left).toEqual([])
    await expectCleanDetach(volume, agent)
  })

  it('a volume is found at an address that only the target’s own list names', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    const other = await node.lio.target({ portals: [`${TWO}:3260`] })
    await other.map(1, { serial: 'bbbb1' })
    await volume.mounted('--hold', '600s')
    const another = volume.with({ name: 'other', lun: 1, portals: [TWO] }, { target: other })
    await another.attach()
    const writer = await Writer.start(node, '/mnt/a/file')
    await target.disable()
    await agent.errors(/first: all paths lost/)
    await target.removePortal(`${ONE}:3260`)
    await target.addPortal(`${THREE}:3260`)
    await target.enable()
    await writer.resumes(20_000, 10)
    await expectNothingLost(writer)
    const { paths } = await volume.status()
    expect(paths.map(({ portal, sessionState }) => [portal, sessionState])).toEqual([
      [`${ONE}:3260`, expect.not.stringMatching('LOGGED_IN')],
      [`${THREE}:3260`, 'LOGGED_IN'],
    ])
    expect((await another.detach()).left).toEqual([])
    await expectCleanDetach(volume, agent)
  })

  it('a disk identifies itself again before it receives a byte, even after a loss that the agent did not see', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    await volume.attach('--hold', '600s')
    await asked(node)
    await agent.process.kill('SIGSTOP')
    await target.disable()
    await target.unmap(5, { keep: true })
    await target.map(5, { serial: 'cccc5', name: 'foreign' })
    await target.enable()
    const state = () => node.sh('cat /sys/class/iscsi_session/*/state')
    await node.until(async () => (await state()) === 'LOGGED_IN', { deadline: 20_000, what: 'the session' })
    const foreign = await target.hash(5)
    await agent.process.kill('SIGCONT')
    await agent.errors(/is (?:not )?the expected volume/)
    const write = node.run([
      'dd',
      'if=/dev/urandom',
      'of=/dev/mapper/lunkeeper-first',
      'bs=4k',
      'count=8',
      'oflag=direct',
    ])
    await agent.errors(/none of the 2 LUNs that/)
    expect((await volume.status()).state).toBe('holding')
    expect(await target.hash(5)).toBe(foreign)
    expect(await disks(node)).toBe(0)
    await target.unmap(5)
    await target.map(5, { name: 'first' })
    expect((await write).code).toBe(0)
    await expectCleanDetach(volume, agent)
  })
})
