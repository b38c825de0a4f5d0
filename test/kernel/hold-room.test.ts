import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, beforeEach, describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import type { NodeFixtures } from './fixtures.ts'
import { onNode } from './fixtures.ts'
import type { Latency } from './latency.ts'
import { startHog, Steady } from './latency.ts'
import { kernels, killAndWait, lunkeeper } from './node.ts'
import { expectCleanDetach } from './volume.ts'

const MIB = 1 << 20
/**
 * Below this, no writer was throttled: a writer that the kernel throttles waits for 200 ms, again and again
 * (mm/page-writeback.c: MAX_PAUSE). One core is shared by the kernel with steps of 10 ms, the agent, the storage
 * servers and all writers; a daily run shares it with other tests as well.
 */
const NOISE = process.env.LUNKEEPER_TEST_TRUE_TIME ? 40 : 200
/** The outage, in seconds; LUNKEEPER_TEST_TRUE_TIME adds the promised length. */
const OUTAGES = process.env.LUNKEEPER_TEST_TRUE_TIME ? [6, 60] : [6]

// On Linux 6.12 the kernel limits a volume's dirty pages; on 6.1 the agent keeps room for others.
describe.each(kernels('bookworm'))('a held volume does not slow down others (%s)', (debian) => {
  const it = onNode({
    debian,
    memory: 1024,
    agent: true,
    luns: [{ lun: 5, serial: 'aaaa5', bytes: 160 * MIB }],
    volume: { name: 'away' },
    async prepare(node) {
      await node.sh('modprobe brd rd_nr=1 rd_size=65536; mkfs.ext4 -q /dev/ram0; mkdir /root/disk')
      await node.sh('mount /dev/ram0 /root/disk')
    },
  })
  beforeEach<NodeFixtures>(({ volume }) => volume.mounted())
  afterEach<NodeFixtures>(({ node }) => node.sh('echo 20 > /proc/sys/vm/dirty_ratio'))

  /** All settings, and what is recorded about them. */
  const settings = (node: LabNode) => node.sh('grep . /proc/sys/vm/* /run/lunkeeper/dirty* 2>/dev/null || :')
  const limit = async (node: LabNode, which: 'ratio' | 'bytes') =>
    Number(await node.read(`/proc/sys/vm/dirty_${which}`))
  it.for(OUTAGES)(
    'other volumes are as fast as before while a program fills a held one for %i s, and all settings are restored',
    async (seconds, { node, target, agent, volume }) => {
      const other = await node.lio.target({ portals: ['127.0.0.2:3260'] })
      await other.map(6, { serial: 'aaaa6' })
      await volume.with({ name: 'other', lun: 6, portals: ['127.0.0.2'] }, { target: other }).mounted()
      await node.sh(`echo ${40 * MIB} > /proc/sys/vm/dirty_bytes`)
      const before = await settings(node)
      const others = [
        await Steady.start(node, '/mnt/other/file'),
        await Steady.start(node, '/root/disk/file'),
      ]
      await sleep(3_000)
      const healthy = others.map((steady) => steady.since())
      const hog = await startHog(node, '/mnt/away/file')
      await agent.outage(target)
      for (const steady of others) steady.since()
      await sleep(seconds * 1_000)
      const held = others.map((steady) => steady.since())
      const { waiting } = (await volume.status()).hold
      // The lab's kernels have no debugfs, so only the total is known.
      expect(waiting).toMatchObject({ of: 'node' })
      expect(waiting!.bytes).toBeGreaterThan(MIB)
      const figures = { debian, seconds, healthy, held }
      expect(held.every(keepsUpWith(healthy, seconds / 3)), JSON.stringify(figures)).toBe(true)
      console.log(JSON.stringify(figures))
      await target.enable()
      await agent.errors(/I\/O resumed/)
      await node.until(async () => (await settings(node)) === before, { what: 'the settings of before' })
      for (const steady of others) await steady.resumes(5_000)
      await hog.kill('SIGKILL')
    },
  )

  const keepsUpWith = (healthy: readonly Latency[], longer: number) => (held: Latency, which: number) => {
    const { writes, median, p95 } = healthy[which]!
    const isQuick = held.median <= Math.max(2 * median, NOISE / 20) && held.p95 <= Math.max(2 * p95, NOISE)
    return isQuick && held.writes >= (writes * longer) / 4
  }

  if (debian === 'trixie') return // A kernel with strict_limit: the limit is not in danger.

  const raised = async (node: LabNode, which: 'ratio' | 'bytes', above: number) =>
    node.until(async () => (await limit(node, which)) > above, { what: 'the raised limit' })

  it('the limit is restored by the next agent after a kill in the outage, and by give-up and detach where none follows', async ({
    node,
    target,
    agent,
  }) => {
    await node.sh('echo 25000000 > /proc/sys/vm/dirty_bytes')
    const before = await settings(node)
    const hog = await startHog(node, '/mnt/away/file')
    await agent.outage(target)
    await raised(node, 'bytes', 25_000_000)
    await agent.kill()
    expect(await limit(node, 'bytes')).toBeGreaterThan(25_000_000)
    await agent.start()
    await target.enable()
    await agent.errors(/I\/O resumed/)
    await node.until(async () => (await settings(node)) === before, { what: 'the settings of before' })

    await agent.outage(target)
    await raised(node, 'bytes', 25_000_000)
    await agent.kill()
    await lunkeeper(node).run(['hold', 'away', '--give-up'])
    expect(await settings(node)).toBe(before)
    await killAndWait(hog)
    // A value that another dead process may have left.
    await node.write(
      '/run/lunkeeper/dirty-limit.json',
      '{"setting":"dirty_bytes","was":25000000,"ours":[31000000]}',
    )
    await node.sh('echo 31000000 > /proc/sys/vm/dirty_bytes')
    const fixed = await lunkeeper(node).run(['doctor', '--fix'])
    expect(fixed.stdout).toContain('set vm.dirty_bytes to 25000000 again')
    expect(await settings(node)).toBe(before)
  })

  it('a value that the administrator sets in the meantime stays', async ({ node, target, agent, volume }) => {
    await node.sh('echo 5 > /proc/sys/vm/dirty_ratio')
    const hog = await startHog(node, '/mnt/away/file')
    await agent.outage(target)
    await raised(node, 'ratio', 5)
    await node.sh('echo 70 > /proc/sys/vm/dirty_ratio')
    await hog.kill('SIGKILL')
    await target.enable()
    await agent.errors(/I\/O resumed/)
    await node.until(async () => !(await settings(node)).includes('lunkeeper'), { what: 'the note to go' })
    expect(await limit(node, 'ratio')).toBe(70)
    await expectCleanDetach(volume, agent)
  })
})
