import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { expectNothingLeft, isBrief, lunkeeper } from './node.ts'

const MIB = 1 << 20

describe.each(['bookworm', 'trixie'] as const)('one LUN asked for, one disk made (%s)', (debian) => {
  let lab: Lab
  let node: LabNode

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian })
  })
  afterAll(() => lab?.close())
  afterEach(() => node.reset())

  /** A target with these LUNs; what an attach of one of them makes the kernel say. */
  async function uevents(luns: readonly number[], lun: number): Promise<number> {
    const target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.mapMany(luns.map((number) => ({ lun: number, serial: `serial${number}`, bytes: 16 * MIB })))
    const before = await node.storage()
    const volume = await lunkeeper(node).attach([
      '--portal',
      '127.0.0.1',
      '--iqn',
      target.iqn,
      '--lun',
      String(lun),
    ])
    await quiet()
    const after = await node.storage()
    expect(after.disks).toHaveLength(before.disks.length + 1)
    expect(volume.paths).toHaveLength(1)
    expect(volume.paths[0]).toMatchObject({ lun, sessionState: 'LOGGED_IN', diskState: 'running' })
    expect(volume.identity?.serial).toBe(`serial${lun}`)
    await lunkeeper(node).detach(volume.name)
    await target.remove()
    return after.uevents - before.uevents
  }

  /** Until the kernel has said nothing new for a while. */
  async function quiet(): Promise<void> {
    let last = -1
    await node.until(
      async () => {
        const { uevents } = await node.storage()
        const same = uevents === last
        last = uevents
        return same
      },
      { every: 300, deadline: 20_000, what: 'no more uevents' },
    )
  }

  it.each(isBrief(debian) ? ['auto'] : ['auto', 'manual'])(
    '256 LUNs cost no more uevents than two, with node.session.scan = %s',
    async (scan) => {
      const conf = await node.read('/etc/iscsi/iscsid.conf')
      await node.write(
        '/etc/iscsi/iscsid.conf',
        conf.replace(/^node\.session\.scan.*$/m, `node.session.scan = ${scan}`),
      )
      // The first disk of a boot also loads modules; that is no property of the target.
      await uevents([0], 0)
      // Two, not one: where a lower LUN exists, LIO tells of each that the LUNs have changed, and the kernel
      // passes that on once for its disk, however many there are.
      const few = await uevents([0, 200], 200)
      const many = await uevents(
        Array.from({ length: 256 }, (_, lun) => lun),
        200,
      )
      expect(many).toBe(few)
      await expectNothingLeft(node)
    },
  )

  it.each(isBrief(debian) ? [256] : [0, 1, 255, 256, 4000])(
    'LUN %i is attached and detached',
    async (lun) => {
      await uevents([lun, lun + 1], lun)
      await expectNothingLeft(node)
    },
  )

  it('an absent LUN is an error in bounded time, and leaves no session behind', async () => {
    const target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.map(3, { serial: 'three', bytes: 16 * MIB })
    const ended = await lunkeeper(node).fails(
      ['attach', '--portal', '127.0.0.1', '--iqn', target.iqn, '--lun', '4'],
      'LUN_ABSENT',
    )
    expect(ended.ms).toBeLessThan(10_000)
    await expectNothingLeft(node)
  })
})
