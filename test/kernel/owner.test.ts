import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'

const ADDRESS = { array: '10.9.0.1', a: '10.9.0.2', b: '10.9.0.3' }
const MIB = 1 << 20

describe.each(kernels('bookworm'))('one owner, on %s', (debian) => {
  let lab: Lab
  let array: LabNode
  let a: LabNode
  let b: LabNode
  let target: Target

  beforeAll(async () => {
    lab = await Lab.open()
    array = await lab.boot({ name: 'array', address: ADDRESS.array, debian, iscsid: false })
    a = await lab.boot({ name: 'a', address: ADDRESS.a, debian })
    b = await lab.boot({ name: 'b', address: ADDRESS.b, debian })
  })
  afterAll(() => lab?.close())
  beforeEach(async () => {
    await Promise.all([a.reset(), b.reset()])
    await array.reset()
    target = await array.lio.target({ portals: [`${ADDRESS.array}:3260`] })
    await target.map(5, { serial: 'a11a0005', bytes: 64 * MIB, name: 'ours' })
  })

  const flags = (...more: string[]): string[] => [
    '--portal',
    ADDRESS.array,
    '--iqn',
    target.iqn,
    '--lun',
    '5',
    '--name',
    'db',
    ...more,
  ]

  /** What the target itself knows: `No SPC-3 Reservation holder`, or the type and the initiator. */
  const registered = () =>
    array.sh('cat /sys/kernel/config/target/core/fileio_*/ours/pr/res_pr_registered_i_pts')

  it('attach reserves the volume for this node, and detach leaves no registration', async () => {
    await lunkeeper(a).attach(flags('--mount', '/mnt/db', '--format'))
    expect(await registered()).toContain('iqn.2026-01.dev.lunkeeper:a')
    expect(await array.sh('cat /sys/kernel/config/target/core/fileio_*/ours/pr/res_pr_type')).toContain(
      'Write Exclusive Access, Registrants Only',
    )
    await lunkeeper(a).detach('db')
    expect(await registered()).not.toContain('iqn.')
    await expectNothingLeft(a)
    // Free for the other node.
    await lunkeeper(b).attach(flags('--mount', '/mnt/db'))
    await lunkeeper(b).detach('db')
    await expectNothingLeft(b)
  })

  it('another node is refused, and told who has it; --take-over takes it, and the former node writes nothing more', async () => {
    await lunkeeper(a).attach(flags('--mount', '/mnt/db', '--format'))
    await a.sh('echo first > /mnt/db/file; sync -f /mnt/db')
    const refused = await lunkeeper(b).fails(['attach', ...flags('--mount', '/mnt/db')], 'OWNED_ELSEWHERE')
    expect(refused.stderr).toContain('iqn.2026-01.dev.lunkeeper:a')
    expect(refused.stderr).toContain('--take-over')
    await expectNothingLeft(b)
    await a.sh('echo second > /mnt/db/file; sync -f /mnt/db')

    await lunkeeper(b).attach(flags('--mount', '/mnt/db', '--take-over'))
    expect(await b.read('/mnt/db/file')).toBe('second\n')
    await b.sh('echo third > /mnt/db/file; sync -f /mnt/db')
    const before = await target.hash(5)

    expect(await a.sh('(echo lost > /mnt/db/other && sync -f /mnt/db) 2>&1 || echo failed')).toContain(
      'failed',
    )
    expect(await target.hash(5)).toBe(before)
    const fenced = await lunkeeper(a).fails(['detach', 'db'], 'FENCED')
    expect(fenced.stderr).toContain('--force')
    const report = await lunkeeper(a).detach('db', '--force')
    expect(report.left).toEqual([])
    await expectNothingLeft(a)
    expect(await target.hash(5)).toBe(before)
    await lunkeeper(b).detach('db')
    await expectNothingLeft(b)
    expect(await registered()).not.toContain('iqn.')
  })

  it('a shared volume is not reserved, and keys of other software are respected', async () => {
    await lunkeeper(a).attach(flags('--shared'))
    await lunkeeper(b).attach(flags('--shared'))
    expect(await registered()).not.toContain('iqn.')
    await lunkeeper(a).detach('db')
    // fence_scsi registers small numbers.
    // This LIO cannot keep it over a restart, says so, and has registered.
    await b.sh('sg_persist --out --register --param-sark=0xabc0001 /dev/sda || :')
    const refused = await lunkeeper(a).fails(['attach', ...flags('--take-over')], 'OWNED_ELSEWHERE')
    expect(refused.stderr).toContain('other software')
    expect(await registered()).toContain('0x000000000abc0001')
    await lunkeeper(a).attach(flags('--shared'))
    await lunkeeper(a).detach('db')
    await lunkeeper(b).detach('db')
    expect(await registered()).toContain('0x000000000abc0001')
  })

  it('a node that lost its power takes its own reservation over', async () => {
    await lunkeeper(a).attach(flags('--mount', '/mnt/db', '--format'))
    await a.sh('umount /mnt/db; iscsiadm -m node -u; rm -rf /run/lunkeeper')
    await lunkeeper(a).attach(flags('--mount', '/mnt/db'))
    await lunkeeper(a).detach('db')
    expect(await registered()).not.toContain('iqn.')
    await expectNothingLeft(a)
  })

  it('a target without reservations is used without them', async () => {
    await array.sh(
      'for each in /sys/kernel/config/target/core/fileio_*/ours/attrib/emulate_pr; do echo 0 > $each; done',
    )
    await lunkeeper(a).attach(flags('--mount', '/mnt/db', '--format'))
    await lunkeeper(a).detach('db')
    await expectNothingLeft(a)
  })
})
