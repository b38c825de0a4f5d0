import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { patient } from '../../lab/machine/pace.ts'
import { agentOn, BOTH_KERNELS, expectNothingLeft, isBrief, lunkeeper } from './node.ts'
import { Writer } from './writer.ts'

const BYTES = 64 << 20
/** From the moment on at which the target takes logins again: a second, and what a loaded machine adds. */
const BACK = 8_000

describe.each(BOTH_KERNELS)('a hold map (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let agent: LabProcess
  let flags: string[]

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian, memory: 640 })
  })
  afterAll(() => lab?.close())
  beforeEach(async () => {
    target = await node.lio.target({ portals: ['127.0.0.1:3260', '127.0.0.2:3260'] })
    await target.map(5, { serial: 'aaaa5', bytes: BYTES, name: 'ours' })
    flags = ['--portal', '127.0.0.1', '--iqn', target.iqn, '--lun', '5', '--name', 'db']
    await startAgent()
  })
  afterEach(async () => {
    await node.reset()
    await node.remove('/dev/shm/luns')
  })

  async function startAgent(): Promise<void> {
    agent = await agentOn(node)
  }

  const MOUNT = ['--mount', '/mnt/v', '--fs', 'ext4', '--format']
  const attached = (...more: string[]) => lunkeeper(node).attach([...flags, ...more])
  const volume = async () => (await lunkeeper(node).volumes())[0]!
  const state = (wanted: string) =>
    node.until(async () => (await volume()).state === wanted, {
      deadline: 30_000,
      what: `the state ${wanted}`,
    })

  async function detached(): Promise<void> {
    expect((await lunkeeper(node).detach('db')).left).toEqual([])
    await agent.kill('SIGTERM')
    await agent.exited
    await expectNothingLeft(node)
  }

  async function outage(): Promise<void> {
    await target.disable()
    await agent.errors(/all paths lost/)
  }

  it('an outage is a pause: no error, nothing lost, and I/O goes on soon after the return', async () => {
    const { device, hold } = await attached(...MOUNT, '--hold', '120s')
    expect(device).toBe('/dev/mapper/lunkeeper-db')
    expect(hold).toMatchObject({ mode: 'map', wanted: 120, effective: 120, since: null, deadline: null })
    const writer = await Writer.start(node, '/mnt/v/file')
    await outage()
    const { state, hold: held } = await volume()
    expect(state).toBe('holding')
    expect(Date.parse(held.deadline!) - Date.parse(held.since!)).toBe(120_000)
    // udev reads no map that waits.
    await node.sh('udevadm trigger --subsystem-match=block; timeout 60 udevadm settle')
    await node.sh('sleep 5')
    const confirmed = writer.confirmed
    await target.enable()
    await writer.goesOn(BACK, 1)
    await writer.goesOn(5_000, 20)
    expect(writer.confirmed).toBeGreaterThan(confirmed)
    await writer.stop()
    expect(writer.errors).toBe(0)
    expect(writer.longest).toBeGreaterThan(5_000)
    expect(await writer.check()).toBe('all there')
    expect((await volume()).state).toBe('ready')
    expect(await node.sh('cat /sys/fs/ext4/dm-*/errors_count')).toBe('0')
    await detached()
  })

  it('another volume at the same LUN on return gets not one byte, and the right one goes on', async () => {
    await attached(...MOUNT)
    const writer = await Writer.start(node, '/mnt/v/file')
    await outage()
    await target.unmap(5, { keep: true })
    await target.map(5, { serial: 'bbbb5', bytes: BYTES, name: 'foreign' })
    const foreign = await target.hash(5)
    const confirmed = writer.confirmed
    await target.enable()
    await agent.errors(/is not the (?:expected volume|volume expected)/)
    await node.sh('sleep 2')
    expect(writer.confirmed).toBe(confirmed)
    expect(await target.hash(5)).toBe(foreign)
    expect((await volume()).state).toBe('holding')
    await target.unmap(5, { keep: true })
    await target.map(5, { name: 'ours' })
    await writer.goesOn(20_000, 10)
    await writer.stop()
    expect(writer.errors).toBe(0)
    expect(await writer.check()).toBe('all there')
    await detached()
  })

  if (isBrief(debian)) return

  it('the session logged out, its disk deleted, and the target back at another address only', async () => {
    await attached(...MOUNT)
    const writer = await Writer.start(node, '/mnt/v/file')
    await outage()
    await node.sh('for disk in /sys/block/sd*; do echo 1 > $disk/device/delete; done; iscsiadm -m session -u')
    await target.removePortal('127.0.0.1:3260')
    await target.enable()
    // Given by a person while the outage lasts.
    await attached(...MOUNT, '--portal', '127.0.0.2')
    await writer.goesOn(5_000, 10)
    await writer.stop()
    expect(writer.errors).toBe(0)
    expect(await writer.check()).toBe('all there')
    await detached()
  })

  it('the agent killed in the outage: the next one goes on, and counts from the same moment', async () => {
    await attached(...MOUNT)
    const writer = await Writer.start(node, '/mnt/v/file')
    await outage()
    const { since } = (await volume()).hold
    await agent.kill('SIGKILL')
    await agent.exited
    expect((await volume()).hold.effective).toBe('forever')
    await startAgent()
    expect((await volume()).hold.since).toBe(since)
    await target.enable()
    await writer.goesOn(20_000, 10)
    await writer.stop()
    expect(writer.errors).toBe(0)
    expect(await writer.check()).toBe('all there')
    await detached()
  })

  it('a hold made longer in the outage is kept, a shorter one ends in time, and the volume comes back read-write', async () => {
    // Long enough for a command to come in between, on a slow machine, too.
    const first = Math.ceil(patient(6_000) / 1_000)
    const shorter = 3 * first
    await attached(...MOUNT, '--hold', `${first}s`)
    const writer = await Writer.start(node, '/mnt/v/file')
    await outage()
    await lunkeeper(node).run(['hold', 'db', '--set', '900s'])
    await node.sh(`sleep ${first + 2}`)
    expect(writer.errors).toBe(0)
    const { since } = (await volume()).hold
    await lunkeeper(node).run(['hold', 'db', '--set', `${shorter}s`])
    await writer.fails(60_000)
    const waited = Date.now() - Date.parse(since!)
    expect(waited).toBeGreaterThan(shorter * 1_000 - 1_000)
    await agent.errors(new RegExp(`the hold of ${shorter} s is over`))
    await state('failed')
    const confirmed = writer.confirmed
    await target.enable()
    // The writer uses it still: it is named.
    await writer.stop()
    await state('ready')
    const again = await Writer.start(node, '/mnt/v/other')
    await again.stop()
    expect(again.errors).toBe(0)
    expect(confirmed).toBeGreaterThan(0)
    expect(await writer.check()).toBe('all there')
    await detached()
  })

  it('--give-up fails what waits within a second', async () => {
    const { device } = await attached('--hold', 'forever')
    const writer = await Writer.start(node, device!)
    await outage()
    await node.sh('sleep 2')
    expect(writer.errors).toBe(0)
    const ended = await lunkeeper(node).run(['hold', 'db', '--give-up'])
    expect(ended.code, ended.stderr).toBe(0)
    await writer.fails(1_000)
    await target.enable()
    await writer.goesOn(20_000)
    await writer.stop()
    await state('ready')
    await detached()
  })

  it('detach in an outage refuses what would lose data; with --force it ends in bounded time', async () => {
    await attached(...MOUNT)
    await node.sh('echo unwritten > /mnt/v/file')
    await outage()
    await lunkeeper(node).fails(['detach', 'db'], 'TARGET_AWAY')
    expect((await volume()).state).toBe('holding')
    const ended = await lunkeeper(node).run(['detach', 'db', '--force'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.ms).toBeLessThan(30_000)
    await agent.kill('SIGTERM')
    await agent.exited
    await expectNothingLeft(node)
  })
})
