import { afterEach, describe, expect } from 'vitest'

import { cutNetwork, joinNetwork } from '../../lab/network/cut.ts'
import type { OwnerReport } from '../../src/model/attachment.ts'
import { Agent } from './agent.ts'
import type { TwoNodesFixtures } from './fixtures.ts'
import { onTwoNodes } from './fixtures.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'
import { expectCleanDetach } from './volume.ts'

/** mkfs.xfs refuses less than 300 MB. */
const SIZE = 320 << 20
/** For what an agent notices within seconds; generous, because the machine may be busy. */
const SLOWLY_SEEN_MS = 180_000
const FILES = 40

/**
 * A node is cut off while it writes, and holds its I/O; the volume moves to another node; the first node comes
 * back. Its held data must not reach the volume (docs/ownership.md).
 */
describe.each(kernels('bookworm'))(
  'a held node that has lost its volume does not write to it (%s)',
  (debian) => {
    const it = onTwoNodes({
      debian,
      a: { memory: 640 },
      b: { memory: 640 },
      luns: [{ lun: 5, serial: 'a11a0005', bytes: SIZE, name: 'ours' }],
    })
    // For a test that ended before it reconnected the node.
    afterEach<TwoNodesFixtures>(({ a }) => joinNetwork(a).catch(() => {}))

    it.for([
      ['whose target has reservations', true, 'ext4'],
      ['whose target has none, by the mark of its ext4', false, 'ext4'],
      ['whose target has none, by the log of its xfs', false, 'xfs'],
    ] as const)(
      'the node writes nothing of what it held to a volume %s',
      async ([, hasReservations, fs], { array, a, b, onA, onB, target }) => {
        if (!hasReservations) await target.disableReservations(5)
        const agent = await Agent.start(a)
        const first = await onA.mounted('--hold', 'forever', '--fs', fs)
        const guard = hasReservations ? 'reservation' : fs === 'ext4' ? 'mark' : 'none'
        expect(first.owner).toMatchObject({ guard, holder: null })
        await a.sh('echo kept > /mnt/db/kept; sync -f /mnt/db')

        await cutNetwork(a)
        await agent.errors(/db: all paths lost/, SLOWLY_SEEN_MS)
        // More than fits into the journal: its blocks would land in the middle of what the other node writes. The
        // program stops where the dirty pages of a held volume are limited.
        await a.start(['sh', '-c', 'dd if=/dev/urandom of=/mnt/db/held bs=64k count=64; sync -f /mnt/db'])
        await a.until(async () => (await onA.status()).hold.waiting?.bytes, {
          deadline: SLOWLY_SEEN_MS,
          what: 'writes that wait',
        })

        await onB.again('--hold', 'forever', '--take-over', '--fs', fs)
        await b.sh(
          `cd /mnt/db; for n in $(seq ${FILES}); do echo $n > file$n; done; sync -f .; cat file* | sha256sum > /tmp/sum`,
        )
        // The new owner writes nothing in the background meanwhile (ext4 would make inode tables): any write that
        // arrives is the former owner's.
        await b.sh('fsfreeze --freeze /mnt/db')
        const before = await target.hash(5)

        await joinNetwork(a)
        const fenced = await onA.state('fenced', SLOWLY_SEEN_MS)
        expect(fenced.owner.mine).toBe(false)
        if (hasReservations) expect(fenced.owner.holder).toBe('iqn.2026-01.dev.lunkeeper:b')
        await agent.errors(/db: .*has lost the volume|db: .*another node has mounted/, SLOWLY_SEEN_MS)
        expect(await target.hash(5)).toBe(before)
        await b.sh('fsfreeze --unfreeze /mnt/db')
        // A target that loses its reservations would take what a program writes to them.
        await a.until(async () => (await a.storage()).disks.length === 0, {
          deadline: SLOWLY_SEEN_MS,
          what: 'the disks of the lost volume removed',
        })
        const owner = JSON.parse((await lunkeeper(a).run(['owner', 'db'])).stdout) as OwnerReport
        expect(owner.verdict).not.toBe('own')

        const read = await b.sh('cd /mnt/db; cat file* | sha256sum; cat kept')
        expect(read.trim()).toBe(`${(await b.read('/tmp/sum')).trim()}\nkept`)
        await b.sh('echo after > /mnt/db/after; sync -f /mnt/db')
        await onA.detach('--force')
        await agent.stop()
        await expectNothingLeft(a)
        await expectCleanDetach(onB)
        const { file } = target.luns[0]!
        const check = await array.run(fs === 'xfs' ? ['xfs_repair', '-nf', file] : ['e2fsck', '-fn', file])
        expect(check.code, check.stdout).toBe(0)
      },
    )

    it('the node learns that it has lost a volume whose detach was killed in the outage', async ({
      a,
      b,
      onA,
      onB,
      target,
    }) => {
      const agent = await Agent.start(a)
      await onA.mounted('--hold', 'forever')
      await cutNetwork(a)
      await onA.loggedOut(0, SLOWLY_SEEN_MS)
      await a.start(['sh', '-c', 'echo held > /mnt/db/held; sync -f /mnt/db'])
      await lunkeeper(a).run(['detach', 'db'], { LUNKEEPER_DIE_AT: 'mark-detaching:after' })
      expect((await onA.status()).state).toBe('detaching')
      await onB.again('--hold', 'forever', '--take-over')
      await b.sh('fsfreeze --freeze /mnt/db')
      const before = await target.hash(5)

      await joinNetwork(a)
      const fenced = await onA.state('fenced', SLOWLY_SEEN_MS)
      expect(fenced.owner).toMatchObject({ mine: false, holder: 'iqn.2026-01.dev.lunkeeper:b' })
      await lunkeeper(a).fails(['detach', 'db'], 'FENCED')
      await onA.detach('--force')
      await agent.stop()
      await expectNothingLeft(a)
      expect(await target.hash(5)).toBe(before)
      await b.sh('fsfreeze --unfreeze /mnt/db')
      await expectCleanDetach(onB)
    })
  },
)
