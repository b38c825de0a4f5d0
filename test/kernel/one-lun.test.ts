import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { patient } from '../../lab/index.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, isBrief, lunkeeper } from './node.ts'
import { Volume } from './volume.ts'

const MIB = 1 << 20

describe.each(['bookworm', 'trixie'] as const)('attach of one LUN creates one disk (%s)', (debian) => {
  const it = onNode({ debian })

  /** Makes a target with these LUNs, and counts the kernel events that an attach of one of them causes. */
  async function uevents(node: LabNode, luns: readonly number[], lun: number): Promise<number> {
    const target = await node.lio.target()
    await target.mapMany(luns.map((number) => ({ lun: number, serial: `serial${number}`, bytes: 16 * MIB })))
    const before = await node.storage()
    const volume = await lunkeeper(node).attach(new Volume(node, target, { lun }).source)
    await quiet(node)
    const after = await node.storage()
    expect(after.disks).toHaveLength(before.disks.length + 1)
    expect(volume.paths).toHaveLength(1)
    expect(volume.paths[0]).toMatchObject({ lun, sessionState: 'LOGGED_IN', diskState: 'running' })
    expect(volume.identity?.serial).toBe(`serial${lun}`)
    await lunkeeper(node).detach(volume.name)
    await target.remove()
    return after.uevents - before.uevents
  }

  /** Waits until the kernel has reported nothing new for a while. */
  async function quiet(node: LabNode): Promise<void> {
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

  it.for(isBrief(debian) ? ['auto'] : ['auto', 'manual'])(
    '256 LUNs cost no more uevents than two with node.session.scan = %s',
    async (scan, { node }) => {
      const conf = await node.read('/etc/iscsi/iscsid.conf')
      await node.write(
        '/etc/iscsi/iscsid.conf',
        conf.replace(/^node\.session\.scan.*$/m, `node.session.scan = ${scan}`),
      )
      // The first disk of a boot also loads modules; that is not a property of the target.
      await uevents(node, [0], 0)
      // Two, not one: if a lower LUN exists, LIO reports for each that the LUNs have changed, and the kernel passes
      // that on once for its disk, however many there are.
      const few = await uevents(node, [0, 200], 200)
      const many = await uevents(
        node,
        Array.from({ length: 256 }, (_, lun) => lun),
        200,
      )
      expect(many).toBe(few)
      await expectNothingLeft(node)
    },
  )

  it.for(isBrief(debian) ? [256] : [0, 1, 255, 256, 4000])(
    'LUN %i is attached and detached',
    async (lun, { node }) => {
      await uevents(node, [lun, lun + 1], lun)
      await expectNothingLeft(node)
    },
  )

  it('an absent LUN is an error in bounded time, and leaves no session behind', async ({
    node,
    target,
    volume,
  }) => {
    await target.map(3, { serial: 'three', bytes: 16 * MIB })
    const ended = await lunkeeper(node).fails(['attach', ...volume.with({ lun: 4 }).source], 'LUN_ABSENT')
    expect(ended.ms).toBeLessThan(patient(10_000))
    await expectNothingLeft(node)
  })
})
