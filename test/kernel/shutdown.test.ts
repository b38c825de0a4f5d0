import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { agentOn, expectNothingLeft, isEverything, kernels, lunkeeper } from './node.ts'

const POINTS = ['/mnt/one', '/mnt/two']

/** What deploy/lunkeeper-shutdown.service runs; with a systemd that runs it: systemd.test.ts. */
describe.each(kernels('bookworm'))('a shutdown in an outage ends (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let agent: LabProcess

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian, memory: 640 })
  })
  afterAll(() => lab?.close())
  beforeEach(async () => {
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    agent = await agentOn(node)
    for (const [index, point] of POINTS.entries()) {
      await target.map(5 + index, { serial: `aaaa${5 + index}`, bytes: 64 << 20 })
      await attach(point, '--format')
      await node.sh(`echo unwritten > ${point}/file`)
    }
  })
  afterEach(async () => {
    await node.reset()
    await node.remove('/dev/shm/luns')
  })

  const attach = (point: string, ...more: string[]) =>
    lunkeeper(node).attach([
      ...`--portal 127.0.0.1 --iqn ${target.iqn} --lun ${5 + POINTS.indexOf(point)}`.split(' '),
      ...`--name ${point.slice('/mnt/'.length)} --hold forever --mount ${point}`.split(' '),
      ...more,
    ])
  const giveUp = (grace: string) => lunkeeper(node).run(['hold', '--all', '--give-up', '--grace', grace])
  const lost = () => agent.errors(/one: all paths lost[^]*two: |two: all paths lost[^]*one: /)

  /** What stands and falls with the mounts: their unmounts, as a shutdown does them, all at once. */
  async function unmountAll(): Promise<LabProcess[]> {
    const all = await Promise.all(POINTS.map((point) => node.start(['umount', point])))
    await node.sh('sleep 1')
    return all
  }

  it('unmounts that hang end after the grace, and the agent is not needed for it', async () => {
    await target.disable()
    await lost()
    const unmounts = await unmountAll()
    expect(await node.sh('pgrep -c umount')).toBe('2')
    await agent.kill('SIGTERM')
    expect(await agent.exited).toMatchObject({ code: 0 })
    const ended = await giveUp('3s')
    expect(ended.code, ended.stderr).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject([{ state: 'failed' }, { state: 'failed' }])
    expect(ended.ms).toBeGreaterThan(3_000)
    expect(ended.ms).toBeLessThan(8_000)
    const late = node.sh('sleep 3')
    await Promise.race([Promise.all(unmounts.map(({ exited }) => exited)), late])
    expect((await node.storage()).mounts).toEqual([])
    expect(await node.sh('ls /sys/fs/ext4 | grep -c dm || :')).toBe('0')
    await target.enable()
  })

  it.runIf(isEverything)(
    'back within the grace: nothing is lost; nothing waits: it ends at once; lost after the agent has gone: it ends',
    async () => {
      await target.disable()
      await lost()
      const unmounts = await unmountAll()
      const waiting = giveUp('60s')
      await node.sh('sleep 1')
      await target.enable()
      const ended = await waiting
      expect(ended.code, ended.stderr).toBe(0)
      expect(JSON.parse(ended.stdout)).toEqual([])
      expect(ended.ms).toBeLessThan(20_000)
      for (const { exited } of unmounts) expect(await exited).toMatchObject({ code: 0 })
      expect((await giveUp('60s')).ms).toBeLessThan(5_000)
      for (const point of POINTS) {
        await attach(point)
        expect(await node.read(`${point}/file`)).toBe('unwritten\n')
      }

      await agent.kill('SIGKILL')
      await agent.exited
      await target.disable()
      const more = await unmountAll()
      await node.until(async () =>
        (await lunkeeper(node).sessions()).every((session) => session.state !== 'LOGGED_IN'),
      )
      expect(JSON.parse((await giveUp('0s')).stdout)).toHaveLength(2)
      await Promise.all(more.map(({ exited }) => exited))
      await target.enable()
      // Nobody has put its paths back, so the map takes no data: it is said, and force is needed.
      for (const point of POINTS) await lunkeeper(node).detach(point, '--force')
      // The lock of the agent that was killed: it holds up nobody.
      await node.sh('find /run/lunkeeper/locks -type s -delete')
      await expectNothingLeft(node)
    },
  )
})
