import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { agentOn, expectNothingLeft, lunkeeper } from './node.ts'
import { Writer } from './writer.ts'

const BYTES = 64 << 20
/** mkfs.xfs makes nothing smaller. */
const XFS_BYTES = 320 << 20
const FAR = '10.7.1.9'
const [ONE, TWO] = ['10.9.0.1', '10.9.0.2']

describe('what else a hold lives with', () => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let agent: LabProcess

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ memory: 640, address: '10.7.1.1' })
  })
  afterAll(() => lab?.close())
  beforeEach(async () => {
    await node.sh(`for a in ${ONE} ${TWO}; do ip addr add $a/32 dev lo 2>/dev/null || true; done`)
    target = await node.lio.target({ portals: [`${ONE}:3260`, `${TWO}:3260`] })
    await target.map(5, { serial: 'aaaa5', bytes: XFS_BYTES, name: 'first' })
    await target.map(6, { serial: 'aaaa6', bytes: BYTES, name: 'second' })
  })
  afterEach(async () => {
    await node.reset()
    await node.remove('/dev/shm/luns')
  })

  async function startAgent(): Promise<void> {
    agent = await agentOn(node)
  }
  async function stopAgent(): Promise<void> {
    await agent.kill('SIGTERM')
    expect(await agent.exited).toMatchObject({ code: 0 })
  }
  const attach = (name: string, lun: number, ...more: string[]) =>
    lunkeeper(node).attach([
      '--portal',
      ONE,
      '--iqn',
      target.iqn,
      '--lun',
      String(lun),
      '--name',
      name,
      ...more,
    ])
  const volume = async (name: string) =>
    (await lunkeeper(node).volumes()).find((found) => found.name === name)!
  const timers = () => node.sh('cat /sys/class/iscsi_session/*/recovery_tmo')

  it('the agent killed in an outage, and nobody in its place: once the target is back, detach writes what waits', async () => {
    await startAgent()
    await attach('first', 5, '--mount=/mnt/v', '--format')
    // In memory only, when the target goes.
    await node.sh('echo waited > /mnt/v/file')
    await target.disable()
    await agent.errors(/all paths lost/)
    await agent.kill('SIGKILL')
    await agent.exited
    await target.enable()
    await node.until(
      async () => (await node.sh('cat /sys/class/iscsi_session/*/state')).includes('LOGGED_IN'),
      {
        deadline: 60_000,
        what: 'the session',
      },
    )
    const { ms } = await lunkeeper(node).run(['detach', 'first'])
    expect(ms).toBeLessThan(10_000)
    await attach('first', 5, '--mount=/mnt/v')
    expect(await node.sh('cat /mnt/v/file')).toBe('waited')
    await lunkeeper(node).detach('first')
    // The dead agent's lock.
    await node.sh('find /run/lunkeeper/locks -type s -delete')
    await expectNothingLeft(node)
  })

  it('without dm-multipath the session keeps the hold, and that is said', async () => {
    await node.sh(
      'modprobe -r dm-service-time dm-multipath; mkdir -p /run/modprobe.d; echo install dm-multipath /bin/false > /run/modprobe.d/none.conf',
    )
    await startAgent()
    const ended = await lunkeeper(node).run([
      'attach',
      '--portal',
      ONE,
      '--iqn',
      target.iqn,
      '--lun',
      '6',
      '--name',
      'db',
      '--hold',
      '77s',
    ])
    await node.sh('rm /run/modprobe.d/none.conf')
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stderr).toContain('no hold map could be created')
    expect((await volume('db')).hold).toMatchObject({ mode: 'session', wanted: 77, effective: 77 })
    expect((await node.sh('cat /sys/block/sd*/bdi/max_ratio')).trim()).toBe('10')
    await lunkeeper(node).detach('db')
    await stopAgent()
    await expectNothingLeft(node)
  })

  it('two portals, and no multipathd: one lost is not noticed, both lost is a pause, both are used again', async () => {
    await startAgent()
    await attach('db', 6, '--portal', TWO)
    const paths = async () => (await node.sh('dmsetup status lunkeeper-db')).match(/\d+:\d+ A/g)?.length ?? 0
    expect(await paths()).toBe(2)
    const writer = await Writer.start(node, '/dev/mapper/lunkeeper-db')
    await node.sh(`ip addr del ${ONE}/32 dev lo`)
    await node.until(async () => (await paths()) === 1, { deadline: 30_000, what: 'the loss of one path' })
    await writer.goesOn(5_000)
    // noop_out_interval + noop_out_timeout of iscsid.conf, and the request that waits meanwhile
    expect(writer.longest).toBeLessThan(12_000)
    expect((await volume('db')).state).toBe('ready')
    await target.disable()
    await agent.errors(/all paths lost/)
    await node.sh(`ip addr add ${ONE}/32 dev lo`)
    await target.enable()
    await writer.goesOn(20_000)
    await node.until(async () => (await paths()) === 2, { deadline: 30_000, what: 'both paths' })
    await writer.stop()
    expect(writer.errors).toBe(0)
    await lunkeeper(node).detach('db')
    await stopAgent()
    await expectNothingLeft(node)
  })

  it('a volume that is not held keeps the timer that it needs, on the session that both use', async () => {
    await startAgent()
    await attach('held', 5, '--mount', '/mnt/x', '--fs', 'xfs', '--format')
    expect(await timers()).toBe('0')
    await attach('plain', 6, '--hold-mode', 'session', '--hold', '100s')
    expect(await timers()).toBe('100')
    const held = await Writer.start(node, '/mnt/x/file')
    const plain = await Writer.start(node, (await volume('plain')).device!)
    await target.disable()
    await agent.errors(/held: all paths lost/)
    await node.sh('sleep 3')
    expect(await timers()).toBe('100')
    await target.enable()
    await held.goesOn(20_000, 10)
    await plain.goesOn(20_000, 10)
    await Promise.all([held.stop(), plain.stop()])
    expect([held.errors, plain.errors]).toEqual([0, 0])
    expect(await held.check()).toBe('all there')
    await lunkeeper(node).detach('plain')
    // Now nobody needs it any more.
    await node.until(async () => (await timers()) === '0', { deadline: 20_000, what: 'the short timer' })
    await lunkeeper(node).detach('held')
    await stopAgent()
    await expectNothingLeft(node)
  })

  it('ten outages in a row, and iscsid killed in one: no error, nothing lost', async () => {
    await startAgent()
    await attach('db', 6, '--mount', '/mnt/v', '--format')
    const writer = await Writer.start(node, '/mnt/v/file')
    for (let n = 0; n < 10; n++) {
      await target.disable()
      await node.sh(n === 5 ? 'pkill -9 iscsid; sleep 1; iscsid' : 'sleep 0.4')
      await target.enable()
      await node.sh('sleep 0.8')
    }
    await writer.goesOn(30_000, 10)
    await writer.stop()
    expect(writer.errors).toBe(0)
    expect(await writer.check()).toBe('all there')
    await lunkeeper(node).detach('db')
    await stopAgent()
    await expectNothingLeft(node)
  })

  it('an agent that is stopped touches no volume, and leaves sessions that heal by themselves', async () => {
    await startAgent()
    await attach('db', 6, '--mount', '/mnt/v', '--format', '--hold', '90s')
    const writer = await Writer.start(node, '/mnt/v/file')
    await stopAgent()
    expect(await timers()).toBe('90')
    await target.disable()
    await node.sh('sleep 2')
    await target.enable()
    await writer.goesOn(20_000, 10)
    await startAgent()
    await node.until(async () => (await timers()) === '0', { deadline: 20_000, what: 'the short timer' })
    await writer.goesOn(5_000, 10)
    await writer.stop()
    expect(writer.errors).toBe(0)
    await lunkeeper(node).detach('db')
    await stopAgent()
    await expectNothingLeft(node)
  })

  it('what was attached before a reboot is attached again', async () => {
    await startAgent()
    await attach('db', 6, '--mount', '/mnt/v', '--format')
    await node.sh('echo kept > /mnt/v/file')
    await stopAgent()
    // All that a boot begins without.
    await node.sh(
      'umount /mnt/v; dmsetup remove lunkeeper-db; iscsiadm -m session -u >/dev/null; rm -rf /run/lunkeeper/*; test ! -e /sys/block/sda',
    )
    await startAgent()
    await agent.errors(/db: attached again/)
    expect(await node.read('/mnt/v/file')).toBe('kept\n')
    expect(await volume('db')).toMatchObject({ state: 'ready', device: '/dev/mapper/lunkeeper-db' })
    await lunkeeper(node).detach('db')
    await stopAgent()
    await expectNothingLeft(node)
  })

  it('a held volume grows in use', async () => {
    await startAgent()
    await attach('db', 6, '--mount', '/mnt/v', '--format')
    await target.resize(6, 2 * BYTES)
    const ended = await lunkeeper(node).run(['expand', 'db'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(await node.sh('blockdev --getsize64 /dev/mapper/lunkeeper-db')).toBe(String(2 * BYTES))
    expect(Number(await node.sh('df --output=size -B1 /mnt/v | tail -1'))).toBeGreaterThan(1.5 * BYTES)
    await lunkeeper(node).detach('db')
    await stopAgent()
    await expectNothingLeft(node)
  })

  it('killed around every step that has to do with the map, attach and detach go on from there', async () => {
    await startAgent()
    const asked = ['--portal', ONE, '--iqn', target.iqn, '--lun', '6', '--name', 'db', '--mount', '/mnt/v']
    await lunkeeper(node).attach([...asked, '--format'])
    await lunkeeper(node).detach('db')
    const dies = async (args: string[], at: string) => {
      const ended = await lunkeeper(node).run(args, { LUNKEEPER_DIE_AT: at })
      expect(ended.signal ?? ended.code, `${at}: ${ended.stderr}`).not.toBe(0)
    }
    for (const at of ['make-map:before', 'make-map:after']) {
      await dies(['attach', ...asked], at)
      expect((await lunkeeper(node).attach(asked)).device, at).toBe('/dev/mapper/lunkeeper-db')
      expect((await node.storage()).maps, at).toHaveLength(1)
      await lunkeeper(node).detach('db')
      await dies(['attach', ...asked], at)
      await lunkeeper(node).detach('db')
      await node.until(async () => (await node.storage()).sessions.length === 0, { what: 'no session' })
    }
    for (const at of ['remove-map:before', 'remove-map:after']) {
      await lunkeeper(node).attach(asked)
      await dies(['detach', 'db'], at)
      await lunkeeper(node).detach('db')
    }
    await stopAgent()
    await expectNothingLeft(node)
  })

  it('a target that freezes: its volume waits, another target’s does not, and nothing is lost', async () => {
    const far = await lab.boot({ name: 'far', address: FAR })
    const frozen = await far.lio.target({ portals: [`${FAR}:3260`] })
    await frozen.map(7, { serial: 'ffff7', bytes: BYTES })
    await startAgent()
    const near = await attach('near', 6)
    await lunkeeper(node).attach(['--portal', FAR, '--iqn', frozen.iqn, '--lun', '7', '--name', 'far'])
    const [waits, goes] = [
      await Writer.start(node, '/dev/mapper/lunkeeper-far'),
      await Writer.start(node, near.device!),
    ]
    far.freeze()
    await agent.errors(/far: all paths lost/, 30_000)
    await goes.goesOn(3_000, 20)
    expect(goes.longest).toBeLessThan(2_000)
    // Neither does its own detach hang.
    const refused = await lunkeeper(node).fails(['detach', 'far'], 'TARGET_AWAY')
    expect(refused.ms).toBeLessThan(20_000)
    far.thaw()
    await waits.goesOn(30_000, 10)
    await Promise.all([waits.stop(), goes.stop()])
    expect([waits.errors, goes.errors]).toEqual([0, 0])
    expect(await waits.check()).toBe('all there')
    await lunkeeper(node).detach('near')
    await lunkeeper(node).detach('far')
    await stopAgent()
    await expectNothingLeft(node)
    await far.kill()
  })
})
