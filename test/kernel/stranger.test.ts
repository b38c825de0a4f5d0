import { beforeEach, describe, expect } from 'vitest'

import type { NodeFixtures } from './fixtures.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'
import { OURS, rescan, swap } from './swap.ts'
import type { Volume } from './volume.ts'

/** A volume whose LUN number the array gives to another volume while the session stays logged in. */
describe.each(kernels('bookworm'))(
  'another volume that answers at the LUN is not written to (%s)',
  (debian) => {
    const it = onNode({ debian, luns: [OURS] })
    // Neither the journal nor writeback writes anything out while a test looks.
    beforeEach<NodeFixtures>(({ node }) => node.sh('echo 0 > /proc/sys/vm/dirty_writeback_centisecs'))

    /** Mounted, with data that is only in memory. */
    async function inUse(volume: Volume): Promise<void> {
      await volume.mounted('--mount-option', 'commit=300')
      await volume.node.sh('sync; echo unwritten > /mnt/db/file')
    }

    it.for([
      ['as the kernel remembers it', false],
      ['after the kernel has refreshed what it remembers', true],
    ] as const)(
      'detach unmounts nothing into the other volume %s',
      async ([, isRefreshed], { node, target, volume }) => {
        await inUse(volume)
        const before = await swap(target)
        if (isRefreshed) await rescan(node)
        const refused = await lunkeeper(node).fails(['detach', 'db'], 'IDENTITY_MISMATCH')
        expect(refused.stderr).toContain('--force')
        expect(await node.sh('grep -c /mnt/db /proc/mounts')).toMatch(/^1/)
        expect(await target.hash(5)).toBe(before)
        const report = await volume.detach('--force')
        expect(report.left).toEqual([])
        expect(await target.hash(5)).toBe(before)
        await expectNothingLeft(node)
      },
    )

    it('the owner of another volume at the LUN is not taken for the owner of the volume', async ({
      node,
      target,
      volume,
    }) => {
      await target.map(6, { serial: 'c33c0006', bytes: 64 << 20, name: 'other' })
      await volume.attach()
      await volume.with({ lun: 6, name: 'other' }).attach()
      await target.unmap(5, { keep: true })
      await target.map(5, { name: 'other' })
      // Its reservation has a key other than that of `db`.
      expect(await volume.status()).toMatchObject({ state: 'misplaced', owner: { mine: null, holder: null } })
      await volume.detach('--force')
      await volume.with({ lun: 6, name: 'other' }).detach()
      await expectNothingLeft(node)
    })

    it('a forced detach of a volume without a record keeps the reservation of the volume that answers there now', async ({
      node,
      target,
      volume,
    }) => {
      await target.map(6, { serial: 'c33c0006', bytes: 64 << 20, name: 'other' })
      const other = volume.with({ lun: 6, name: 'other' })
      const { device } = await volume.attach()
      await other.attach()
      const { owner } = await other.status()
      expect(owner).toMatchObject({ guard: 'reservation' })
      await node.sh('rm /var/lib/lunkeeper/volumes/db.json')
      await target.unmap(5, { keep: true })
      await target.map(5, { name: 'other' })
      const ended = await lunkeeper(node).run(['detach', device!, '--force'])
      expect(ended.code, ended.stderr).toBe(0)
      expect(ended.stderr).toContain('may still have a reservation of this node, for db')
      expect(await other.status()).toMatchObject({ state: 'ready', owner })
      expect(
        await node.sh('cat /sys/kernel/config/target/core/*/other/pr/res_pr_registered_i_pts'),
      ).toContain('iqn.')
      await other.detach()
      await target.unmap(6)
      await expectNothingLeft(node)
    })

    it('volumes reports that the volume is misplaced, and what to do', async ({ node, target, volume }) => {
      await inUse(volume)
      expect((await volume.status()).state).toBe('ready')
      const before = await swap(target)
      expect((await volume.status()).state).toBe('misplaced')
      await rescan(node)
      expect((await volume.status()).state).toBe('misplaced')
      expect(await node.ok(['lunkeeper', 'volumes', 'db'])).toMatchObject({
        stdout: expect.stringContaining('lunkeeper detach db --force'),
      })
      expect(await target.hash(5)).toBe(before)
      await volume.detach('--force')
    })

    it('attach mounts nothing, and doctor writes nothing', async ({ node, target, volume }) => {
      await inUse(volume)
      const before = await swap(target)
      await rescan(node)
      await lunkeeper(node).fails(
        ['attach', ...volume.source, '--mount', '/mnt/db', '--mount-option', 'commit=300'],
        'IDENTITY_MISMATCH',
      )
      const doctor = await node.run(['lunkeeper', 'doctor', '--json'])
      expect(doctor.stdout).toContain('WRONG_VOLUME')
      expect(await target.hash(5)).toBe(before)
      await volume.detach('--force')
      expect(await target.hash(5)).toBe(before)
    })

    it('expand writes nothing to the other volume', async ({ node, target, volume }) => {
      await inUse(volume)
      const before = await swap(target, 128 << 20)
      await lunkeeper(node).fails(['expand', 'db'], 'IDENTITY_MISMATCH')
      expect(await target.hash(5)).toBe(before)
      await volume.detach('--force')
    })
  },
)
