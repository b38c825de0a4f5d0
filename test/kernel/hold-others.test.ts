import { beforeEach, describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { patient } from '../../lab/index.ts'
import { Agent } from './agent.ts'
import type { NodeFixtures } from './fixtures.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, lunkeeper } from './node.ts'
import type { Volume } from './volume.ts'
import { SEEN_MS } from './volume.ts'
import { expectNoError, expectNothingLost, Writer } from './writer.ts'

const BYTES = 64 << 20
/** mkfs.xfs refuses less. */
const XFS_BYTES = 320 << 20
const FAR = '10.7.1.9'
const [ONE, TWO] = ['10.9.0.1', '10.9.0.2']

describe('a hold copes with what else happens on a node', () => {
  const it = onNode({
    memory: 640,
    address: '10.7.1.1',
    target: { portals: [`${ONE}:3260`, `${TWO}:3260`] },
    luns: [
      { lun: 5, serial: 'aaaa5', bytes: XFS_BYTES, name: 'first' },
      { lun: 6, serial: 'aaaa6', bytes: BYTES, name: 'second' },
    ],
    volume: { lun: 6, portals: [ONE], mount: '/mnt/v' },
  })
  // Some tests remove the first one.
  beforeEach<NodeFixtures>(({ node }) =>
    node.sh(`for a in ${ONE} ${TWO}; do ip addr add $a/32 dev lo 2>/dev/null || true; done`),
  )

  const timers = (node: LabNode) => node.sh('cat /sys/class/iscsi_session/*/recovery_tmo')
  /** Detaches it; the agent must end normally. */
  async function end(volume: Volume, agent: Agent): Promise<void> {
    await volume.detach()
    expect(await agent.stop()).toMatchObject({ code: 0 })
    await expectNothingLeft(volume.node)
  }

  it('detach writes held data once the target is back, after the agent was killed in the outage and not replaced', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    const first = volume.with({ lun: 5, name: 'first', mount: '/mnt/v' })
    await first.mounted()
    // The data is only in memory when the target goes away.
    await node.sh('echo waited > /mnt/v/file')
    await target.disable()
    await agent.errors(/all paths lost/)
    await agent.kill()
    await target.enable()
    await node.until(
      async () => (await node.sh('cat /sys/class/iscsi_session/*/state')).includes('LOGGED_IN'),
      {
        deadline: 60_000,
        what: 'the session',
      },
    )
    const { ms } = await lunkeeper(node).run(['detach', 'first'])
    expect(ms).toBeLessThan(patient(10_000))
    await first.again()
    expect(await node.sh('cat /mnt/v/file')).toBe('waited')
    await first.detach()
    // The dead agent's lock.
    await node.sh('find /run/lunkeeper/locks -type s -delete')
    await expectNothingLeft(node)
  })

  it('a volume that its session held is attached by the next agent, after an attach was killed when it had made a hold map', async ({
    node,
    target,
    volume,
  }) => {
    expect((await volume.attach('--hold', '600s')).hold.mode).toBe('session')
    // As after a reboot, with a target that comes later.
    await node.sh('iscsiadm -m node -u; rm -rf /run/lunkeeper')
    await target.disable()
    const agent = await Agent.start(node)
    await agent.process.kill('SIGSTOP')
    await target.enable()
    const ended = await lunkeeper(node).run(['attach', ...volume.flags], {
      LUNKEEPER_DIE_AT: 'make-map:after',
    })
    expect(ended.signal, ended.stderr).toBe('SIGKILL')
    await agent.kill()
    expect(await volume.status()).toMatchObject({ state: 'failed', device: null })
    await agent.start()
    expect(await volume.state('ready')).toMatchObject({
      device: '/dev/mapper/lunkeeper-db',
      hold: { mode: 'map' },
    })
    await end(volume, agent)
  })

  it('the session keeps the hold where the kernel has no dm-multipath, and attach says so', async ({
    node,
    volume,
  }) => {
    await node.sh(
      'modprobe -r dm-service-time dm-multipath; mkdir -p /run/modprobe.d; echo install dm-multipath /bin/false > /run/modprobe.d/none.conf',
    )
    const agent = await Agent.start(node)
    const ended = await lunkeeper(node).run(['attach', ...volume.flags, '--hold', '77s'])
    await node.sh('rm /run/modprobe.d/none.conf')
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stderr).toContain('no hold map could be created')
    expect((await volume.status()).hold).toMatchObject({ mode: 'session', wanted: 77, effective: 77 })
    expect((await node.sh('cat /sys/block/sd*/bdi/max_ratio')).trim()).toBe('10')
    await end(volume, agent)
  })

  it('a loss of one of two portals goes unnoticed without multipathd, a loss of both is a pause, and both are used again', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    await volume.attach('--portal', TWO)
    const paths = async () => (await node.sh('dmsetup status lunkeeper-db')).match(/\d+:\d+ A/g)?.length ?? 0
    expect(await paths()).toBe(2)
    const writer = await Writer.start(node, '/dev/mapper/lunkeeper-db')
    await node.sh(`ip addr del ${ONE}/32 dev lo`)
    await node.until(async () => (await paths()) === 1, { deadline: 30_000, what: 'the loss of one path' })
    await writer.resumes(5_000)
    // noop_out_interval + noop_out_timeout of iscsid.conf, and the request that waits meanwhile
    expect(writer.longest).toBeLessThan(patient(12_000))
    expect((await volume.status()).state).toBe('ready')
    await target.disable()
    await agent.errors(/all paths lost/)
    await node.sh(`ip addr add ${ONE}/32 dev lo`)
    await target.enable()
    await writer.resumes(20_000)
    await node.until(async () => (await paths()) === 2, { deadline: 30_000, what: 'both paths' })
    await expectNoError(writer)
    await end(volume, agent)
  })

  it('a volume that is not held keeps the timer that it needs, on the session that both use', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    const ours = volume.with({ name: 'held', lun: 5, mount: '/mnt/x' })
    const other = volume.with({ name: 'plain' })
    await ours.mounted('--fs', 'xfs')
    expect(await timers(node)).toBe('0')
    const { device } = await other.attach('--hold-mode', 'session', '--hold', '100s')
    expect(await timers(node)).toBe('100')
    const held = await Writer.start(node, '/mnt/x/file')
    const plain = await Writer.start(node, device!)
    await target.disable()
    await agent.errors(/held: all paths lost/)
    await node.sh('sleep 3')
    expect(await timers(node)).toBe('100')
    await target.enable()
    await held.resumes(20_000, 10)
    await plain.resumes(20_000, 10)
    await Promise.all([held.stop(), plain.stop()])
    expect([held.errors, plain.errors]).toEqual([0, 0])
    expect(await held.check()).toBe('all there')
    await other.detach()
    // No volume needs it any more. In a long outage, the agent has added the other portal to the first volume.
    const areShort = async () => /^0(\n0)?$/.test(await timers(node))
    await node.until(areShort, { deadline: SEEN_MS, what: 'the short timer' })
    await end(ours, agent)
  })

  it('ten outages in a row, with iscsid killed in one, cause no error and lose nothing', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    await volume.mounted()
    const writer = await Writer.start(node, '/mnt/v/file')
    for (let n = 0; n < 10; n++) {
      await target.disable()
      await node.sh(n === 5 ? 'pkill -9 iscsid; sleep 1; iscsid' : 'sleep 0.4')
      await target.enable()
      await node.sh('sleep 0.8')
    }
    await writer.resumes(30_000, 10)
    await expectNothingLost(writer)
    await end(volume, agent)
  })

  it('an agent that is stopped touches no volume, and leaves sessions that recover without it', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    await volume.mounted('--hold', '90s')
    const writer = await Writer.start(node, '/mnt/v/file')
    expect(await agent.stop()).toMatchObject({ code: 0 })
    expect(await timers(node)).toBe('90')
    await target.disable()
    await node.sh('sleep 2')
    await target.enable()
    await writer.resumes(20_000, 10)
    await agent.start()
    await node.until(async () => (await timers(node)) === '0', { deadline: SEEN_MS, what: 'the short timer' })
    await writer.resumes(5_000, 10)
    await expectNoError(writer)
    await end(volume, agent)
  })

  it('a volume that was attached before a reboot is attached again', async ({ node, agent, volume }) => {
    await volume.mounted()
    await node.sh('echo kept > /mnt/v/file')
    expect(await agent.stop()).toMatchObject({ code: 0 })
    // Remove everything that does not survive a boot.
    await node.sh(
      'umount /mnt/v; dmsetup remove lunkeeper-db; iscsiadm -m session -u >/dev/null; rm -rf /run/lunkeeper/*; test ! -e /sys/block/sda',
    )
    await agent.start()
    await agent.errors(/db: attached again/)
    expect(await node.read('/mnt/v/file')).toBe('kept\n')
    expect(await volume.status()).toMatchObject({ state: 'ready', device: '/dev/mapper/lunkeeper-db' })
    await end(volume, agent)
  })

  it('a held volume grows in use', async ({ node, target, agent, volume }) => {
    await volume.mounted()
    await target.resize(6, 2 * BYTES)
    const ended = await lunkeeper(node).run(['expand', 'db'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(await node.sh('blockdev --getsize64 /dev/mapper/lunkeeper-db')).toBe(String(2 * BYTES))
    expect(Number(await node.sh('df --output=size -B1 /mnt/v | tail -1'))).toBeGreaterThan(1.5 * BYTES)
    await end(volume, agent)
  })

  it('attach and detach continue after a kill at any step of the map', async ({ node, agent, volume }) => {
    const asked = [...volume.flags, '--mount', '/mnt/v']
    await volume.mounted()
    await volume.detach()
    const dies = async (args: string[], at: string) => {
      const ended = await lunkeeper(node).run(args, { LUNKEEPER_DIE_AT: at })
      expect(ended.signal ?? ended.code, `${at}: ${ended.stderr}`).not.toBe(0)
    }
    for (const at of ['make-map:before', 'make-map:after']) {
      await dies(['attach', ...asked], at)
      expect((await volume.again()).device, at).toBe('/dev/mapper/lunkeeper-db')
      expect((await node.storage()).maps, at).toHaveLength(1)
      await volume.detach()
      await dies(['attach', ...asked], at)
      await volume.detach()
      await node.until(async () => (await node.storage()).sessions.length === 0, { what: 'no session' })
    }
    for (const at of ['remove-map:before', 'remove-map:after']) {
      await volume.again()
      await dies(['detach', 'db'], at)
      await volume.detach()
    }
    expect(await agent.stop()).toMatchObject({ code: 0 })
    await expectNothingLeft(node)
  })

  it('a volume whose target freezes waits, that of another target does not, and nothing is lost', async ({
    lab,
    node,
    agent,
    volume,
  }) => {
    const far = await lab.boot({ name: 'far', address: FAR })
    const frozen = await far.lio.target({ portals: [`${FAR}:3260`] })
    await frozen.map(7, { serial: 'ffff7', bytes: BYTES })
    const near = volume.with({ name: 'near' })
    const distant = volume.with({ name: 'far', lun: 7, portals: [FAR] }, { target: frozen })
    const { device } = await near.attach()
    await distant.attach()
    const [waits, goes] = [
      await Writer.start(node, '/dev/mapper/lunkeeper-far'),
      await Writer.start(node, device!),
    ]
    far.freeze()
    await agent.errors(/far: all paths lost/, 30_000)
    await goes.resumes(3_000, 20)
    expect(goes.longest).toBeLessThan(patient(2_000))
    // The volume's own detach does not hang either.
    const refused = await lunkeeper(node).fails(['detach', 'far'], 'TARGET_AWAY')
    expect(refused.ms).toBeLessThan(patient(20_000))
    far.thaw()
    await waits.resumes(30_000, 10)
    await Promise.all([waits.stop(), goes.stop()])
    expect([waits.errors, goes.errors]).toEqual([0, 0])
    expect(await waits.check()).toBe('all there')
    await near.detach()
    await end(distant, agent)
    await far.kill()
  })
})
