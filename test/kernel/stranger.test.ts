import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'

const MIB = 1 << 20
const SIZE = 64 * MIB
const OURS = 'a11a0005'
const STRANGER = 'b22b0005'

/** A volume whose LUN number the array gives to another volume while the session stays logged in. */
describe.each(kernels('bookworm'))('another volume answers at the LUN, on %s', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian })
  })
  afterAll(() => lab?.close())
  beforeEach(async () => {
    await node.reset()
    // Nothing is written out by itself while a test looks: neither by the journal nor by write-back.
    await node.sh('echo 0 > /proc/sys/vm/dirty_writeback_centisecs')
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.map(5, { serial: OURS, bytes: SIZE })
  })

  const flags = (): string[] => ['--portal', '127.0.0.1', '--iqn', target.iqn, '--lun', '5']

  /** The array gives LUN 5 to another volume. */
  async function swap(): Promise<string> {
    await target.unmap(5, { keep: true })
    await target.map(5, { serial: STRANGER, bytes: SIZE, name: 'stranger' })
    return target.hash(5)
  }

  /** The kernel asks the disk again, as `iscsiadm --rescan` and every re-login of iscsid 2.1.10 and newer do. */
  const refresh = (disk = 'sda') => node.sh(`echo 1 > /sys/block/${disk}/device/rescan`)

  async function mounted(...more: string[]) {
    const volume = await lunkeeper(node).attach([
      ...flags(),
      '--name',
      'db',
      '--mount',
      '/mnt/db',
      '--format',
      '--mount-option',
      'commit=300',
      ...more,
    ])
    await node.sh('sync; echo unwritten > /mnt/db/file')
    return volume
  }

  it.each([
    ['as the kernel remembers it', false],
    ['after the kernel has refreshed what it remembers', true],
  ])('detach unmounts nothing into it, %s', async (_, isRefreshed) => {
    await mounted()
    const before = await swap()
    if (isRefreshed) await refresh()
    const refused = await lunkeeper(node).fails(['detach', 'db'], 'IDENTITY_MISMATCH')
    expect(refused.stderr).toContain('--force')
    expect(await node.sh('grep -c /mnt/db /proc/mounts')).toMatch(/^1/)
    expect(await target.hash(5)).toBe(before)
    const report = await lunkeeper(node).detach('db', '--force')
    expect(report.left).toEqual([])
    expect(await target.hash(5)).toBe(before)
    await expectNothingLeft(node)
  })

  it('volumes says that the volume is misplaced, and says how to get out', async () => {
    await mounted()
    expect((await lunkeeper(node).volumes())[0]?.state).toBe('ready')
    const before = await swap()
    expect((await lunkeeper(node).volumes())[0]?.state).toBe('misplaced')
    await refresh()
    expect((await lunkeeper(node).volumes())[0]?.state).toBe('misplaced')
    expect(await node.ok(['lunkeeper', 'volumes', 'db'])).toMatchObject({
      stdout: expect.stringContaining('lunkeeper detach db --force'),
    })
    expect(await target.hash(5)).toBe(before)
    await lunkeeper(node).detach('db', '--force')
  })

  it('attach of it again mounts nothing, and doctor writes nothing', async () => {
    await mounted()
    const before = await swap()
    await refresh()
    await lunkeeper(node).fails(
      ['attach', ...flags(), '--mount', '/mnt/db', '--mount-option', 'commit=300'],
      'IDENTITY_MISMATCH',
    )
    const doctor = await node.run(['lunkeeper', 'doctor', '--json'])
    expect(doctor.stdout).toContain('WRONG_VOLUME')
    expect(await target.hash(5)).toBe(before)
    await lunkeeper(node).detach('db', '--force')
    expect(await target.hash(5)).toBe(before)
  })

  it('expand writes nothing into it', async () => {
    await mounted()
    await target.unmap(5, { keep: true })
    await target.map(5, { serial: STRANGER, bytes: 2 * SIZE, name: 'stranger' })
    const before = await target.hash(5)
    await lunkeeper(node).fails(['expand', 'db'], 'IDENTITY_MISMATCH')
    expect(await target.hash(5)).toBe(before)
    await lunkeeper(node).detach('db', '--force')
  })
})
