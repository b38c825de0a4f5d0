import { beforeEach, describe, expect } from 'vitest'

import type { LabNode, LabProcess } from '../../lab/index.ts'
import { patient } from '../../lab/index.ts'
import type { Agent } from './agent.ts'
import type { NodeFixtures } from './fixtures.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, isEverything, kernels, lunkeeper } from './node.ts'
import type { Volume } from './volume.ts'

const POINTS = ['/mnt/one', '/mnt/two']

/** What deploy/lunkeeper-shutdown.service runs. With a systemd that runs it: systemd-shutdown.test.ts. */
describe.each(kernels('bookworm'))('a shutdown in an outage ends (%s)', (debian) => {
  const it = onNode({
    debian,
    memory: 640,
    agent: true,
    luns: [5, 6].map((lun) => ({ lun, serial: `aaaa${lun}` })),
  })
  beforeEach<NodeFixtures>(async ({ node, volume }) => {
    for (const point of POINTS) {
      await attach(volume, point, '--format')
      await node.sh(`echo unwritten > ${point}/file`)
    }
  })

  const attach = (volume: Volume, point: string, ...more: string[]) =>
    volume
      .with({ name: point.slice('/mnt/'.length), lun: 5 + POINTS.indexOf(point) })
      .again('--hold', 'forever', ...more)
  const giveUp = (node: LabNode, grace: string) =>
    lunkeeper(node).run(['hold', '--all', '--give-up', '--grace', grace])
  const lost = (agent: Agent) => agent.errors(/one: all paths lost[^]*two: |two: all paths lost[^]*one: /)

  /** The unmounts on which a shutdown depends, all at once, as a shutdown does them. */
  async function unmountAll(node: LabNode): Promise<LabProcess[]> {
    const all = await Promise.all(POINTS.map((point) => node.start(['umount', point])))
    await node.sh('sleep 1')
    return all
  }

  it('unmounts that hang end after the grace, without the agent', async ({ node, target, agent }) => {
    await target.disable()
    await lost(agent)
    const unmounts = await unmountAll(node)
    expect(await node.sh('pgrep -c umount')).toBe('2')
    expect(await agent.stop()).toMatchObject({ code: 0 })
    const ended = await giveUp(node, '3s')
    expect(ended.code, ended.stderr).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject([{ state: 'failed' }, { state: 'failed' }])
    expect(ended.ms).toBeGreaterThan(3_000)
    expect(ended.ms).toBeLessThan(patient(8_000))
    const late = node.sh('sleep 3')
    await Promise.race([Promise.all(unmounts.map(({ exited }) => exited)), late])
    expect((await node.storage()).mounts).toEqual([])
    expect(await node.sh('ls /sys/fs/ext4 | grep -c dm || :')).toBe('0')
    await target.enable()
  })

  it.runIf(isEverything)(
    'a shutdown loses nothing when the target is back within the grace, ends at once when nothing waits, and ends without an agent',
    async ({ node, target, agent, volume }) => {
      await target.disable()
      await lost(agent)
      const unmounts = await unmountAll(node)
      const waiting = giveUp(node, '60s')
      await node.sh('sleep 1')
      await target.enable()
      const ended = await waiting
      expect(ended.code, ended.stderr).toBe(0)
      expect(JSON.parse(ended.stdout)).toEqual([])
      expect(ended.ms).toBeLessThan(patient(20_000))
      for (const { exited } of unmounts) expect(await exited).toMatchObject({ code: 0 })
      expect((await giveUp(node, '60s')).ms).toBeLessThan(patient(5_000))
      for (const point of POINTS) {
        await attach(volume, point)
        expect(await node.read(`${point}/file`)).toBe('unwritten\n')
      }

      await agent.kill()
      await target.disable()
      const more = await unmountAll(node)
      await node.until(async () =>
        (await lunkeeper(node).sessions()).every((session) => session.state !== 'LOGGED_IN'),
      )
      expect(JSON.parse((await giveUp(node, '0s')).stdout)).toHaveLength(2)
      await Promise.all(more.map(({ exited }) => exited))
      await target.enable()
      // No agent has reinstated the paths, so the map accepts no data: this is reported, and --force is needed.
      for (const point of POINTS) await lunkeeper(node).detach(point, '--force')
      // The lock of the agent that was killed: it does not block any process.
      await node.sh('find /run/lunkeeper/locks -type s -delete')
      await expectNothingLeft(node)
    },
  )
})
