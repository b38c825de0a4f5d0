import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import type { Engine, EngineOptions } from './engine.ts'
import { startEngine } from './engine.ts'
import { agentOn, expectNothingLeft, kernels, remains } from './node.ts'

const MIB = 1 << 20

let node: LabNode
let engine: Engine
let one: Target
let two: Target

/** LUN 5 of one target, LUN 6 of the same target and LUN 9 of another: all three are one volume. */
async function make(): Promise<void> {
  one = await node.lio.target({ portals: ['127.0.0.1:3260'] })
  two = await node.lio.target({ portals: ['127.0.0.2:3260'] })
  await one.map(5, { name: 'shared', serial: '5a5e', bytes: 64 * MIB })
  await one.map(6, { name: 'shared' })
  await two.map(9, { name: 'shared' })
}

type Asked = readonly [lun: number, options: EngineOptions]

const first = (more: Partial<EngineOptions> = {}): Asked => [5, { iqn: one.iqn, name: 'first', ...more }]
const byLun = (more: Partial<EngineOptions> = {}): Asked => [6, { iqn: one.iqn, name: 'second', ...more }]
const byTarget = (more: Partial<EngineOptions> = {}): Asked => [
  9,
  { iqn: two.iqn, portals: ['127.0.0.2'], name: 'second', ...more },
]

/** A session of another program, and the name of its disk of the volume. */
async function otherSession(): Promise<string> {
  await node.sh(
    `iscsiadm -m node -o new -T ${two.iqn} -p 127.0.0.2 && iscsiadm -m node -T ${two.iqn} -p 127.0.0.2 -l`,
  )
  const disk = await node.until(async () => (await node.storage()).disks.at(-1), {
    deadline: 60_000,
    what: 'the disk of the other session',
  })
  await node.sh('udevadm settle')
  return disk
}

async function endOtherSession(): Promise<void> {
  await node.sh(
    `iscsiadm -m node -T ${two.iqn} -p 127.0.0.2 -u; iscsiadm -m node -T ${two.iqn} -p 127.0.0.2 -o delete`,
  )
}

describe.each(kernels('bookworm'))('one volume under two names (%s)', (debian) => {
  let lab: Lab
  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian })
    engine = await startEngine(node)
  })
  afterAll(() => lab?.close())
  afterEach(async () => {
    await node.lio.clear()
    await node.remove('/dev/shm/luns')
  })

  it.each([
    ['another target', byTarget, {}],
    ['another LUN number of the same target', byLun, {}],
    ['another target, only to read it', byTarget, { readOnly: true }],
  ] as const)('is refused by %s, and the first one is not disturbed', async (_, again, more) => {
    await make()
    await engine.attach(...first({ mount: '/mnt/first', format: true }))
    const before = await remains(node)
    const said = await engine.refuses('ATTACHED_ALREADY', ...again({ mount: '/mnt/second', ...more }))
    expect(said).toMatch(/same volume as first .*mounted at \/mnt\/first/)
    expect(await remains(node)).toEqual(before)
    await node.sh('echo kept > /mnt/first/file && sync /mnt/first/file')
    await engine.detach('first')
    // Free again, it can be attached by the other name.
    await engine.attach(...again({ mount: '/mnt/second', ...more }))
    expect(await node.read('/mnt/second/file')).toBe('kept\n')
    await engine.detach('second')
    await expectNothingLeft(node)
  })

  it('of several attaches at the same moment, one succeeds', async () => {
    await make()
    const use = (name: string) => ({ name, mount: `/mnt/${name}`, format: true })
    const asked = [first(use('a')), byLun(use('b')), byTarget(use('c'))]
    const ended = await Promise.all(asked.map((one) => engine.fails('attach', ...one)))
    expect(ended.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'ATTACHED_ALREADY',
      'ATTACHED_ALREADY',
      'no error',
    ])
    const { mounts } = await node.storage()
    expect(mounts).toHaveLength(1)
    await engine.detach(mounts[0]!)
    await expectNothingLeft(node)
  })

  it('a disk of it that another program has mounted, opened or mapped is refused by name; a free one is not', async () => {
    await make()
    await engine.attach(...first({ mount: '/mnt/first', format: true }))
    await engine.detach('first')
    const disk = await otherSession()
    const asked = first({ mount: '/mnt/first' })
    const before = await remains(node)

    await node.sh(`mkdir -p /root/theirs && mount /dev/${disk} /root/theirs`)
    expect(await engine.refuses('BUSY', ...asked)).toContain('/root/theirs')
    await node.sh(`umount /root/theirs`)

    const user = await node.start(['sh', '-c', `exec 3<>/dev/${disk}; echo opened; sleep 1000`])
    await user.output(/opened/)
    expect(await engine.refuses('BUSY', ...asked)).toContain(`process ${user.pid}`)
    await user.kill('SIGKILL')
    await user.exited

    await node.sh(`dmsetup create --noudevsync theirs --table "0 1024 linear /dev/${disk} 0"; udevadm settle`)
    expect(await engine.refuses('BUSY', ...asked)).toMatch(/held by dm-/)
    await node.sh('dmsetup remove --noudevsync --retry theirs')
    expect(await remains(node)).toEqual(before)

    await engine.attach(...asked)
    expect((await engine.attach(...asked)).mount).toBe('/mnt/first')
    await engine.detach('first')
    await endOtherSession()
    await expectNothingLeft(node)
  })

  it('two volumes to which the array gives one WWID and two serials are two volumes', async () => {
    one = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await one.map(5, { serial: 'web1', bytes: 64 * MIB })
    await one.map(6, { serial: 'eb1', bytes: 64 * MIB })
    const a = await engine.attach(...first())
    const b = await engine.attach(...byLun())
    expect(a.identity?.wwid).toBe(b.identity?.wwid)
    await engine.detach('first')
    await engine.detach('second')
    await expectNothingLeft(node)
  })

  it('is refused on a hold map and as a raw device, too', async () => {
    await make()
    const agent = await agentOn(node)
    expect((await engine.attach(...first())).hold.mode).toBe('map')
    const before = await remains(node)
    await engine.refuses('ATTACHED_ALREADY', ...byTarget())
    await engine.refuses('ATTACHED_ALREADY', ...byLun())
    expect(await remains(node)).toEqual(before)
    await engine.detach('first')
    await agent.kill('SIGTERM')
    await agent.exited
    await expectNothingLeft(node)
  })
})

describe('one volume under two names, below multipathd, which puts its disks into one map', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ multipathd: true })
    engine = await startEngine(node)
  })
  afterAll(() => lab?.close())

  it('is refused, and the map of the first one is not disturbed', async () => {
    one = await node.lio.target({ portals: ['127.0.0.1:3260', '127.0.0.2:3260'] })
    two = await node.lio.target({ portals: ['127.0.0.3:3260'] })
    await one.map(5, { name: 'shared', serial: '5a5e', bytes: 64 * MIB })
    await two.map(9, { name: 'shared' })
    const portals = ['127.0.0.1', '127.0.0.2']
    const volume = await engine.attach(...first({ portals, mount: '/mnt/first', format: true }))
    expect(volume.hold.mode).toBe('multipathd')
    const again = byTarget({ portals: ['127.0.0.3'], mount: '/mnt/second' })
    expect(await engine.refuses('ATTACHED_ALREADY', ...again)).toContain('/mnt/first')
    await node.sh('echo kept > /mnt/first/file && sync /mnt/first/file')
    const { sessions, disks } = await node.storage()
    expect({ sessions: sessions.length, disks: disks.length }).toEqual({ sessions: 2, disks: 2 })
    await engine.detach('first')
    await expectNothingLeft(node)
  })
})
