import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import type { VolumeStatus } from '../../src/model/attachment.ts'
import { agentOn, expectNothingLeft, lunkeeper } from './node.ts'
import { Writer } from './writer.ts'

const BYTES = 64 << 20
const [ONE, TWO, THREE] = ['127.0.0.1', '127.0.0.2', '127.0.0.3']

describe('a volume that comes back elsewhere', () => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let agent: LabProcess

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ memory: 640 })
  })
  afterAll(() => lab?.close())
  beforeEach(async () => {
    target = await node.lio.target({ portals: [`${ONE}:3260`] })
    await target.map(5, { serial: 'aaaa5', bytes: BYTES, name: 'first' })
    await target.map(6, { serial: 'aaaa6', bytes: BYTES, name: 'second' })
    agent = await agentOn(node)
  })
  afterEach(async () => {
    await node.reset()
    await node.remove('/dev/shm/luns')
  })

  const attach = (name: string, lun: number, ...more: string[]) =>
    lunkeeper(node).attach([
      `--portal=${ONE}`,
      `--iqn=${target.iqn}`,
      `--lun=${lun}`,
      `--name=${name}`,
      '--hold=600s',
      ...more,
    ])
  const volume = async (name: string): Promise<VolumeStatus> =>
    (await lunkeeper(node).volumes()).find((one) => one.name === name)!
  const disks = async () => (await node.storage()).disks.length

  /** Puts volumes at other numbers while the target is away. */
  async function renumbered(luns: Readonly<Record<number, string>>): Promise<void> {
    await target.disable()
    await agent.errors(/all paths lost/)
    await target.unmap(
      target.luns.map(({ lun }) => lun),
      { keep: true },
    )
    for (const [lun, name] of Object.entries(luns)) await target.map(Number(lun), { name, bytes: BYTES })
    await target.enable()
  }

  async function detached(...names: string[]): Promise<void> {
    for (const name of names) expect((await lunkeeper(node).detach(name)).left).toEqual([])
    await agent.kill('SIGTERM')
    await agent.exited
    await expectNothingLeft(node)
  }

  it('is found by its identity under another LUN number, and two that changed places are not mistaken', async () => {
    await attach('first', 5, '--mount', '/mnt/a', '--format')
    await attach('second', 6)
    const writers = [
      await Writer.start(node, '/mnt/a/file'),
      await Writer.start(node, '/dev/mapper/lunkeeper-second'),
    ]
    await renumbered({ 9: 'first', 6: 'second' })
    for (const writer of writers) await writer.goesOn(20_000, 10)
    expect((await volume('first')).paths[0]!.lun).toBe(9)
    expect(await disks()).toBe(2)
    await renumbered({ 9: 'second', 6: 'first' })
    for (const writer of writers) await writer.goesOn(20_000, 10)
    expect(await disks()).toBe(2)
    for (const writer of writers) {
      await writer.stop()
      expect(writer.errors).toBe(0)
      expect(await writer.check()).toBe('all there')
    }
    // It is still what was asked for.
    await attach('first', 5, '--mount', '/mnt/a')
    expect((await volume('first')).paths[0]!.lun).toBe(6)
    await detached('first', 'second')
  })

  it('is found at an address that only the target’s own list names', async () => {
    const other = await node.lio.target({ portals: [`${TWO}:3260`] })
    await other.map(1, { serial: 'bbbb1', bytes: BYTES })
    await attach('first', 5, '--mount', '/mnt/a', '--format')
    await lunkeeper(node).attach(['--portal', TWO, '--iqn', other.iqn, '--lun', '1', '--name', 'other'])
    const writer = await Writer.start(node, '/mnt/a/file')
    await target.disable()
    await agent.errors(/first: all paths lost/)
    await target.removePortal(`${ONE}:3260`)
    await target.addPortal(`${THREE}:3260`)
    await target.enable()
    await writer.goesOn(20_000, 10)
    await writer.stop()
    expect(writer.errors).toBe(0)
    expect(await writer.check()).toBe('all there')
    const { paths } = await volume('first')
    expect(paths.map(({ portal, sessionState }) => [portal, sessionState])).toEqual([
      [`${ONE}:3260`, expect.not.stringMatching('LOGGED_IN')],
      [`${THREE}:3260`, 'LOGGED_IN'],
    ])
    await detached('first', 'other')
  })

  it('a loss that nobody saw is not trusted: the disk tells anew who it is before it gets a byte', async () => {
    await attach('first', 5)
    await agent.kill('SIGSTOP')
    await target.disable()
    await target.unmap(5, { keep: true })
    await target.map(5, { serial: 'cccc5', bytes: BYTES, name: 'foreign' })
    await target.enable()
    const state = () => node.sh('cat /sys/class/iscsi_session/*/state')
    await node.until(async () => (await state()) === 'LOGGED_IN', { deadline: 20_000, what: 'the session' })
    const foreign = await target.hash(5)
    await agent.kill('SIGCONT')
    await agent.errors(/not the (?:expected volume|volume expected)/)
    const write = node.run([
      'dd',
      'if=/dev/urandom',
      'of=/dev/mapper/lunkeeper-first',
      'bs=4k',
      'count=8',
      'oflag=direct',
    ])
    await agent.errors(/none of its 2 LUNs is/)
    expect((await volume('first')).state).toBe('holding')
    expect(await target.hash(5)).toBe(foreign)
    expect(await disks()).toBe(0)
    await target.unmap(5)
    await target.map(5, { name: 'first', bytes: BYTES })
    expect((await write).code).toBe(0)
    await detached('first')
  })
})
