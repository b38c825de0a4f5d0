import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import type { Diagnosis } from '../../src/doctor/finding.ts'
import { onTwoNodes } from './fixtures.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'
import { OURS } from './swap.ts'
import { expectCleanDetach } from './volume.ts'

describe.each(kernels('bookworm'))('a volume has one owner (%s)', (debian) => {
  const it = onTwoNodes({ debian, luns: [OURS] })

  /** What the target itself reports: `No SPC-3 Reservation holder`, or the type and the initiator. */
  const registered = (array: LabNode) =>
    array.sh('cat /sys/kernel/config/target/core/fileio_*/ours/pr/res_pr_registered_i_pts')

  it('attach reserves the volume for this node, and detach leaves no registration', async ({
    array,
    a,
    onA,
    onB,
  }) => {
    await onA.mounted()
    expect(await registered(array)).toContain('iqn.2026-01.dev.lunkeeper:a')
    expect(await array.sh('cat /sys/kernel/config/target/core/fileio_*/ours/pr/res_pr_type')).toContain(
      'Write Exclusive Access, Registrants Only',
    )
    await onA.detach()
    expect(await registered(array)).not.toContain('iqn.')
    await expectNothingLeft(a)
    // Now it is free for the other node.
    await onB.again()
    await expectCleanDetach(onB)
  })

  it('another node is refused and told who has the volume, and after --take-over the former node writes nothing more', async ({
    array,
    a,
    b,
    onA,
    onB,
    target,
  }) => {
    await onA.mounted()
    await a.sh('echo first > /mnt/db/file; sync -f /mnt/db')
    const refused = await onB.refused('OWNED_ELSEWHERE', '--mount', '/mnt/db')
    expect(refused.stderr).toContain('iqn.2026-01.dev.lunkeeper:a')
    expect(refused.stderr).toContain('--take-over')
    await expectNothingLeft(b)
    await a.sh('echo second > /mnt/db/file; sync -f /mnt/db')

    await onB.again('--take-over')
    expect(await b.read('/mnt/db/file')).toBe('second\n')
    // Otherwise the owner's kernel may write out metadata that its journal has.
    await b.sh('echo third > /mnt/db/file; sync -f /mnt/db; fsfreeze --freeze /mnt/db')
    const before = await target.hash(5)

    expect(await a.sh('(echo lost > /mnt/db/other && sync -f /mnt/db) 2>&1 || echo failed')).toContain(
      'failed',
    )
    expect(await target.hash(5)).toBe(before)
    const fenced = await lunkeeper(a).fails(['detach', 'db'], 'FENCED')
    expect(fenced.stderr).toContain('--force')
    expect((await onA.detach('--force')).left).toEqual([])
    await expectNothingLeft(a)
    expect(await target.hash(5)).toBe(before)
    await b.sh('fsfreeze --unfreeze /mnt/db')
    await expectCleanDetach(onB)
    expect(await registered(array)).not.toContain('iqn.')
  })

  it('a take-over that would fail takes nothing from the node that has the volume', async ({
    array,
    a,
    b,
    onA,
    onB,
  }) => {
    await onA.mounted('--fs', 'ext4')
    const before = await registered(array)
    await b.sh('mkdir -p /mnt/db /mnt/full/x; mount -t tmpfs none /mnt/db')
    const badMount = (point: string) =>
      lunkeeper(b).fails(['attach', ...onB.flags, '--mount', point, '--take-over'], 'BAD_MOUNT', 2)
    await badMount('/mnt/db')
    await badMount('/mnt/full')
    await onB.refused('FS_MISMATCH', '--mount', '/mnt/x', '--fs', 'xfs', '--take-over')
    await onB.refused('NOT_BLANK', '--mount', '/mnt/x', '--format', '--take-over')
    await onB.refused('MAP_FAILED', '--hold-mode', 'map', '--take-over')
    expect(await registered(array)).toBe(before)
    await b.sh('umount /mnt/db; rm -r /mnt/db /mnt/full')
    await expectNothingLeft(b)
    await a.sh('echo kept > /mnt/db/file; sync -f /mnt/db')
    await expectCleanDetach(onA)
  })

  it('a shared volume is not reserved, and keys of other software are respected', async ({
    array,
    b,
    onA,
    onB,
  }) => {
    await onA.attach('--shared')
    await onB.attach('--shared')
    expect(await registered(array)).not.toContain('iqn.')
    await onA.detach()
    // fence_scsi registers small numbers.
    // This LIO cannot keep it over a restart, and reports that, but has registered it.
    await b.sh('sg_persist --out --register --param-sark=0xabc0001 /dev/sda || :')
    const refused = await onA.refused('OWNED_ELSEWHERE', '--take-over')
    expect(refused.stderr).toContain('other software')
    expect(await registered(array)).toContain('0x000000000abc0001')
    await onA.attach('--shared')
    await onA.detach()
    await onB.detach()
    expect(await registered(array)).toContain('0x000000000abc0001')
  })

  it('a volume that one node has reserved for itself is not shared by another one, and a reservation of its own is released', async ({
    array,
    a,
    onA,
    onB,
  }) => {
    await onA.attach()
    const refused = await onB.refused('OWNED_ELSEWHERE', '--shared')
    expect(refused.stderr).toContain('iqn.2026-01.dev.lunkeeper:a')
    // Its record is lost.
    await a.sh('iscsiadm -m node -u; rm -rf /run/lunkeeper /var/lib/lunkeeper')
    await onA.attach('--shared')
    expect(await registered(array)).not.toContain('iqn.')
    await onB.attach('--shared')
    await expectCleanDetach(onA)
    await expectCleanDetach(onB)
  })

  it('a node that lost its power takes its own reservation over', async ({ array, a, onA }) => {
    await onA.mounted()
    await a.sh('umount /mnt/db; iscsiadm -m node -u; rm -rf /run/lunkeeper')
    await onA.again()
    await onA.detach()
    expect(await registered(array)).not.toContain('iqn.')
    await expectNothingLeft(a)
  })

  it('a target without reservations is used without them, and doctor reports a hold that is long for that', async ({
    a,
    onA,
    target,
  }) => {
    await target.disableReservations(5)
    await onA.mounted('--hold', '10m')
    const unguarded = async () => {
      const { stdout } = await lunkeeper(a).run(['doctor'])
      return (JSON.parse(stdout) as Diagnosis).findings.find(({ code }) => code === 'UNGUARDED')
    }
    const found = await unguarded()
    expect(found).toMatchObject({
      severity: 'warning',
      subject: 'db',
      evidence: { wanted: 600, longest: 300 },
    })
    // The second of the remedies that it names.
    await a.sh(/lunkeeper hold db --set 300s/.exec(found!.fix!)![0])
    expect(await unguarded()).toBeUndefined()
    await expectCleanDetach(onA)
  })
})
