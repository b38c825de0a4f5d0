import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { patient } from '../../lab/index.ts'
import type { Agent } from './agent.ts'
import { onNode } from './fixtures.ts'
import { BOTH_KERNELS, expectNothingLeft, isBrief, lunkeeper } from './node.ts'
import { OURS, putBack, swap } from './swap.ts'
import type { Volume } from './volume.ts'
import { expectCleanDetach } from './volume.ts'
import { expectNoError, expectNothingLost, Writer } from './writer.ts'

/** From the moment when the target accepts logins again: a second, and the additional time of a loaded machine. */
const BACK = 8_000

describe.each(BOTH_KERNELS)('a hold map keeps I/O in an outage (%s)', (debian) => {
  const it = onNode({
    debian,
    memory: 640,
    agent: true,
    target: { portals: ['127.0.0.1:3260', '127.0.0.2:3260'] },
    luns: [OURS],
    volume: { mount: '/mnt/v' },
  })

  /** A volume in an outage, with a writer. @param more flags of attach @returns the writer */
  async function cutOff(
    node: LabNode,
    target: Target,
    agent: Agent,
    volume: Volume,
    ...more: string[]
  ): Promise<Writer> {
    await volume.mounted('--fs', 'ext4', ...more)
    const writer = await Writer.start(node, '/mnt/v/file')
    await agent.outage(target)
    return writer
  }

  it('an outage is a pause without an error or a loss, and I/O resumes soon after the return', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    const { device, hold } = await volume.mounted('--fs', 'ext4', '--hold', '120s')
    expect(device).toBe('/dev/mapper/lunkeeper-db')
    expect(hold).toMatchObject({ mode: 'map', wanted: 120, effective: 120, since: null, deadline: null })
    const writer = await Writer.start(node, '/mnt/v/file')
    await agent.outage(target)
    const { state, hold: held } = await volume.status()
    expect(state).toBe('holding')
    expect(Date.parse(held.deadline!) - Date.parse(held.since!)).toBe(120_000)
    // udev does not read a map that holds I/O.
    await node.sh('udevadm trigger --subsystem-match=block; timeout 60 udevadm settle')
    await node.sh('sleep 5')
    const confirmed = writer.confirmed
    await target.enable()
    await writer.resumes(BACK, 1)
    await writer.resumes(5_000, 20)
    expect(writer.confirmed).toBeGreaterThan(confirmed)
    await expectNoError(writer)
    expect(writer.longest).toBeGreaterThan(5_000)
    expect(await writer.check()).toBe('all there')
    expect((await volume.status()).state).toBe('ready')
    expect(await node.sh('cat /sys/fs/ext4/dm-*/errors_count')).toBe('0')
    await expectCleanDetach(volume, agent)
  })

  it('another volume that answers at the LUN on return receives no byte, and the right one resumes', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    const writer = await cutOff(node, target, agent, volume)
    const foreign = await swap(target)
    const confirmed = writer.confirmed
    await target.enable()
    await agent.errors(/is (?:not )?the expected volume/)
    await node.sh('sleep 2')
    expect(writer.confirmed).toBe(confirmed)
    expect(await target.hash(5)).toBe(foreign)
    expect((await volume.status()).state).toBe('holding')
    await putBack(target)
    await writer.resumes(20_000, 10)
    await expectNothingLost(writer)
    await expectCleanDetach(volume, agent)
  })

  if (isBrief(debian)) return

  it('a volume resumes after a logout, a deleted disk, and a return at another address only', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    const writer = await cutOff(node, target, agent, volume)
    // The agent may have logged the lost session out already.
    await node.sh(
      'for disk in /sys/block/sd*; do test ! -e $disk || echo 1 > $disk/device/delete; done; iscsiadm -m session -u || :',
    )
    await target.removePortal('127.0.0.1:3260')
    await target.enable()
    // The user adds it during the outage.
    await volume.mounted('--fs', 'ext4', '--portal', '127.0.0.2')
    await writer.resumes(5_000, 10)
    await expectNothingLost(writer)
    await expectCleanDetach(volume, agent)
  })

  it('the next agent continues after a kill in the outage, and counts from the same moment', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    const writer = await cutOff(node, target, agent, volume)
    const { since } = (await volume.status()).hold
    await agent.kill()
    expect((await volume.status()).hold.effective).toBe('forever')
    await agent.start()
    expect((await volume.status()).hold.since).toBe(since)
    await target.enable()
    await writer.resumes(20_000, 10)
    await expectNothingLost(writer)
    await expectCleanDetach(volume, agent)
  })

  it('a hold that is extended in the outage is kept, a shorter one ends in time, and the volume comes back read-write', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    // Long enough for a command to come in between, even on a slow machine.
    const first = Math.ceil(patient(6_000) / 1_000)
    const shorter = 3 * first
    const writer = await cutOff(node, target, agent, volume, '--hold', `${first}s`)
    await lunkeeper(node).run(['hold', 'db', '--set', '900s'])
    await node.sh(`sleep ${first + 2}`)
    expect(writer.errors).toBe(0)
    const { since } = (await volume.status()).hold
    await lunkeeper(node).run(['hold', 'db', '--set', `${shorter}s`])
    await writer.fails(60_000)
    const waited = Date.now() - Date.parse(since!)
    expect(waited).toBeGreaterThan(shorter * 1_000 - 1_000)
    await agent.errors(new RegExp(`the hold of ${shorter} s is over`))
    await volume.state('failed', 30_000)
    const confirmed = writer.confirmed
    await target.enable()
    // The writer still uses it: the error names it.
    await writer.stop()
    await volume.state('ready', 30_000)
    const again = await Writer.start(node, '/mnt/v/other')
    await expectNoError(again)
    expect(confirmed).toBeGreaterThan(0)
    expect(await writer.check()).toBe('all there')
    await expectCleanDetach(volume, agent)
  })

  it('--give-up fails waiting I/O within a second', async ({ node, target, agent, volume }) => {
    const { device } = await volume.attach('--hold', 'forever')
    const writer = await Writer.start(node, device!)
    await agent.outage(target)
    await node.sh('sleep 2')
    expect(writer.errors).toBe(0)
    const ended = await lunkeeper(node).run(['hold', 'db', '--give-up'])
    expect(ended.code, ended.stderr).toBe(0)
    await writer.fails(1_000)
    await target.enable()
    await writer.resumes(20_000)
    await writer.stop()
    await volume.state('ready', 30_000)
    await expectCleanDetach(volume, agent)
  })

  it('a file system that noted an error while its I/O failed is mounted again, although it takes writes', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    await volume.mounted('--fs', 'ext4', '--hold', 'forever')
    const errors = async () => Number((await node.sh('cat /sys/fs/ext4/dm-0/errors_count')).trim())
    await agent.outage(target)
    await volume.state('holding')
    expect((await lunkeeper(node).run(['hold', 'db', '--give-up'])).code).toBe(0)
    await node.sh('echo lost > /sys/fs/ext4/dm-0/trigger_fs_error')
    expect(await errors()).toBeGreaterThan(0)
    await target.enable()
    await volume.state('ready')
    // It was checked, which clears the count.
    expect(await errors()).toBe(0)
    expect(await node.sh('echo again > /mnt/v/file && sync /mnt/v/file && cat /mnt/v/file')).toContain(
      'again',
    )
    await expectCleanDetach(volume, agent)
  })

  describe('a file system whose committed metadata was lost while its I/O failed', () => {
    /** The metadata is committed to the journal; the blocks themselves are written out only on request, and that fails. */
    async function lose(volume: Volume, target: Target, agent: Agent): Promise<void> {
      const { node } = volume
      await volume.mounted('--fs', 'ext4', '--hold', 'forever', '--mount-option', 'noinit_itable')
      await node.sh('echo 0 > /proc/sys/vm/dirty_writeback_centisecs; sync')
      await node.sh('mkdir /mnt/v/a /mnt/v/b; echo kept > /mnt/v/a/file; sync /mnt/v/a/file')
      await agent.outage(target)
      await volume.state('holding')
      expect((await lunkeeper(node).run(['hold', 'db', '--give-up'])).code).toBe(0)
      await node.sh('blockdev --flushbufs /dev/dm-0 || :')
    }

    it('comes back without hands', async ({ node, target, agent, volume }) => {
      await lose(volume, target, agent)
      await target.enable()
      await volume.state('ready')
      expect(await node.sh('cat /mnt/v/a/file')).toContain('kept')
      await expectCleanDetach(volume, agent)
    })

    it('can be attached again after a forced detach', async ({ node, target, agent, volume }) => {
      await lose(volume, target, agent)
      const user = await node.start(['sh', '-c', 'exec 3< /mnt/v/a/file; exec sleep infinity'])
      await target.enable()
      await agent.errors(/must be remounted once it is not in use/)
      await agent.stop()
      await user.kill('SIGKILL')
      await user.exited
      await lunkeeper(node).fails(['detach', 'db'], 'FLUSH_FAILED')
      await volume.detach('--force')
      await agent.start()
      await volume.again('--fs', 'ext4', '--hold', 'forever')
      expect(await node.sh('cat /mnt/v/a/file')).toContain('kept')
      await expectCleanDetach(volume, agent)
    })
  })

  it('detach refuses to lose data in an outage, and ends in bounded time with --force', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    await volume.mounted('--fs', 'ext4')
    await node.sh('echo unwritten > /mnt/v/file')
    await agent.outage(target)
    await lunkeeper(node).fails(['detach', 'db'], 'TARGET_AWAY')
    expect((await volume.status()).state).toBe('holding')
    const ended = await lunkeeper(node).run(['detach', 'db', '--force'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.ms).toBeLessThan(patient(30_000))
    await agent.stop()
    await expectNothingLeft(node)
  })
})
