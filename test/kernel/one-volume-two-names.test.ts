import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import type { EngineOptions } from './engine.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels, killAndWait, remains } from './node.ts'
import { loginByHand, logoutByHand } from './other-session.ts'

interface Targets {
  readonly one: Target
  readonly two: Target
}

/** LUN 5 of one target, LUN 6 of the same target and LUN 9 of another: all three are one volume. */
async function make(node: LabNode): Promise<Targets> {
  const one = await node.lio.target({ portals: ['127.0.0.1:3260'] })
  const two = await node.lio.target({ portals: ['127.0.0.2:3260'] })
  await one.map(5, { name: 'shared', serial: '5a5e' })
  await one.map(6, { name: 'shared' })
  await two.map(9, { name: 'shared' })
  return { one, two }
}

type Asked = readonly [lun: number, options: EngineOptions]

const first = ({ one }: Targets, more: Partial<EngineOptions> = {}): Asked => [
  5,
  { iqn: one.iqn, name: 'first', ...more },
]
const byLun = ({ one }: Targets, more: Partial<EngineOptions> = {}): Asked => [
  6,
  { iqn: one.iqn, name: 'second', ...more },
]
const byTarget = ({ two }: Targets, more: Partial<EngineOptions> = {}): Asked => [
  9,
  { iqn: two.iqn, portals: ['127.0.0.2'], name: 'second', ...more },
]

describe.each(kernels('bookworm'))('one volume is not attached under two names (%s)', (debian) => {
  const it = onNode({ debian, after: 'clear' })

  it.for([
    ['another target', byTarget, {}],
    ['another LUN number of the same target', byLun, {}],
    ['another target, only to read it', byTarget, { readOnly: true }],
  ] as const)(
    'a second attach by %s is refused, and the first one is not disturbed',
    async ([, again, more], { node, engine }) => {
      const made = await make(node)
      await engine.attach(...first(made, { mount: '/mnt/first', format: true }))
      const before = await remains(node)
      const said = await engine.refuses('ATTACHED_ALREADY', ...again(made, { mount: '/mnt/second', ...more }))
      expect(said).toMatch(/same volume as first .*mounted at \/mnt\/first/)
      expect(await remains(node)).toEqual(before)
      await node.sh('echo kept > /mnt/first/file && sync /mnt/first/file')
      await engine.detach('first')
      // Once it is free again, it can be attached by the other name.
      await engine.attach(...again(made, { mount: '/mnt/second', ...more }))
      expect(await node.read('/mnt/second/file')).toBe('kept\n')
      await engine.detach('second')
      await expectNothingLeft(node)
    },
  )

  it('one of several attaches at the same moment succeeds', async ({ node, engine }) => {
    const made = await make(node)
    const use = (name: string) => ({ name, mount: `/mnt/${name}`, format: true })
    const asked = [first(made, use('a')), byLun(made, use('b')), byTarget(made, use('c'))]
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

  it('a disk of the volume that another program has mounted, opened or mapped is refused by name, and a free one is not', async ({
    node,
    engine,
  }) => {
    const made = await make(node)
    await engine.attach(...first(made, { mount: '/mnt/first', format: true }))
    await engine.detach('first')
    await loginByHand(node, made.two, { portal: '127.0.0.2', disks: 1 })
    const disk = (await node.storage()).disks.at(-1)!
    const asked = first(made, { mount: '/mnt/first' })
    const before = await remains(node)

    await node.sh(`mkdir -p /root/theirs && mount /dev/${disk} /root/theirs`)
    expect(await engine.refuses('BUSY', ...asked)).toContain('/root/theirs')
    await node.sh(`umount /root/theirs`)

    const user = await node.start(['sh', '-c', `exec 3<>/dev/${disk}; echo opened; sleep 1000`])
    await user.output(/opened/)
    expect(await engine.refuses('BUSY', ...asked)).toContain(`process ${user.pid}`)
    await killAndWait(user)

    await node.sh(`dmsetup create --noudevsync theirs --table "0 1024 linear /dev/${disk} 0"; udevadm settle`)
    expect(await engine.refuses('BUSY', ...asked)).toMatch(/held by device-mapper map theirs \(dm-/)
    await node.sh('dmsetup remove --noudevsync --retry theirs')
    expect(await remains(node)).toEqual(before)

    await engine.attach(...asked)
    expect((await engine.attach(...asked)).mount).toBe('/mnt/first')
    await engine.detach('first')
    await logoutByHand(node, made.two, '127.0.0.2')
    await expectNothingLeft(node)
  })

  it('two volumes to which the array gives one WWID and two serials are two volumes', async ({
    node,
    engine,
  }) => {
    const one = await node.lio.target()
    await one.map(5, { serial: 'web1' })
    await one.map(6, { serial: 'eb1' })
    const made = { one, two: one }
    const a = await engine.attach(...first(made))
    const b = await engine.attach(...byLun(made))
    expect(a.identity?.wwid).toBe(b.identity?.wwid)
    await engine.detach('first')
    await engine.detach('second')
    await expectNothingLeft(node)
  })

  it('a second attach is refused on a hold map and as a raw device, too', async ({ node, agent, engine }) => {
    const made = await make(node)
    expect((await engine.attach(...first(made))).hold.mode).toBe('map')
    const before = await remains(node)
    await engine.refuses('ATTACHED_ALREADY', ...byTarget(made))
    await engine.refuses('ATTACHED_ALREADY', ...byLun(made))
    expect(await remains(node)).toEqual(before)
    await engine.detach('first')
    await agent.stop()
    await expectNothingLeft(node)
  })
})

describe('one volume is not attached under two names where multipathd puts its disks into one map', () => {
  const it = onNode({ multipathd: true, after: 'keep' })

  it('a second attach is refused, and the map of the first one is not disturbed', async ({
    node,
    engine,
  }) => {
    const one = await node.lio.target({ portals: ['127.0.0.1:3260', '127.0.0.2:3260'] })
    const two = await node.lio.target({ portals: ['127.0.0.3:3260'] })
    await one.map(5, { name: 'shared', serial: '5a5e' })
    await two.map(9, { name: 'shared' })
    const made = { one, two }
    const portals = ['127.0.0.1', '127.0.0.2']
    const volume = await engine.attach(...first(made, { portals, mount: '/mnt/first', format: true }))
    expect(volume.hold.mode).toBe('multipathd')
    const again = byTarget(made, { portals: ['127.0.0.3'], mount: '/mnt/second' })
    expect(await engine.refuses('ATTACHED_ALREADY', ...again)).toContain('/mnt/first')
    await node.sh('echo kept > /mnt/first/file && sync /mnt/first/file')
    const { sessions, disks } = await node.storage()
    expect({ sessions: sessions.length, disks: disks.length }).toEqual({ sessions: 2, disks: 2 })
    await engine.detach('first')
    await expectNothingLeft(node)
  })
})
