import { afterEach, beforeEach, describe, expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { cutNetwork, joinNetwork } from '../../lab/network/cut.ts'
import { Agent } from './agent.ts'
import type { TwoNodesFixtures } from './fixtures.ts'
import { onTwoNodes } from './fixtures.ts'
import { expectNothingLeft, kernels } from './node.ts'
import { OURS } from './swap.ts'
import { expectCleanDetach, SEEN_MS } from './volume.ts'

const MAP = '/dev/mapper/lunkeeper-db'
const HOLDER = 'cat /sys/kernel/config/target/core/fileio_*/ours/pr/res_holder'
const REGISTERED = 'cat /sys/kernel/config/target/core/fileio_*/ours/pr/res_pr_registered_i_pts'

/** Like a restart of its service. LIO restores the reservation that it has kept when the initiator logs in. */
async function restart(array: LabNode, target: Target): Promise<Target> {
  const { iqn, portals } = target
  await target.remove()
  const again = await array.lio.target({ iqn, portals })
  await again.disable()
  await again.map(OURS.lun, { ...OURS, restoreRegistrations: true })
  await again.enable()
  return again
}

describe.each(kernels('bookworm'))(
  'a target that gives a node its reservation back although another node has the volume (%s)',
  (debian) => {
    const it = onTwoNodes({ debian, luns: [OURS] })
    // Where LIO keeps reservations over a restart.
    beforeEach<TwoNodesFixtures>(async ({ array }) => {
      await array.sh('mkdir -p /etc/target/pr')
    })
    afterEach<TwoNodesFixtures>(async ({ a }) => {
      await joinNetwork(a).catch(() => {})
    })

    it('does not let its held writes reach the file system that the other node has mounted', async ({
      array,
      a,
      b,
      onA,
      onB,
      target,
    }) => {
      const agent = await Agent.start(a)
      await onA.mounted('--hold', 'forever')
      await cutNetwork(a)
      // The program waits for the target.
      await a.start(['sh', '-c', 'echo stale > /mnt/db/stale; sync -f /mnt/db'])
      await onA.state('holding')
      const again = await restart(array, target)

      await onB.again()
      await b.sh('echo new > /mnt/db/new; sync -f /mnt/db; fsfreeze --freeze /mnt/db')
      const before = await again.hash(OURS.lun)
      await joinNetwork(a)
      await onA.state('fenced')
      expect(await again.hash(OURS.lun)).toBe(before)

      await onA.detach('--force')
      await agent.stop()
      await expectNothingLeft(a)
      await b.sh('fsfreeze --unfreeze /mnt/db')
      expect(await b.read('/mnt/db/new')).toBe('new\n')
      await expectCleanDetach(onB)
    })

    it('does not let its held writes reach a raw volume, also once the other node has found it lost by that reservation', async ({
      array,
      a,
      b,
      onA,
      onB,
      target,
    }) => {
      const agent = await Agent.start(a)
      await onA.attach('--hold', 'forever')
      await cutNetwork(a)
      const writer = await a.start([
        'sh',
        '-c',
        `yes stale | head -c 65536 | dd of=${MAP} bs=64k oflag=direct conv=notrunc`,
      ])
      await onA.state('holding')
      const again = await restart(array, target)

      const { device } = await onB.attach()
      const agentOfB = await Agent.start(b)
      await b.sh(
        `yes new | head -c 65536 | dd of=${device} bs=64k oflag=direct conv=fsync,notrunc status=none`,
      )
      const before = await again.hash(OURS.lun)
      await joinNetwork(a)
      await agent.errors(
        /another node is registered beside it, and no other source shows which node owns it/,
        SEEN_MS,
      )
      // According to the target itself, the volume is this node's.
      expect(await array.sh(HOLDER)).toContain('iqn.2026-01.dev.lunkeeper:a')
      expect(await again.hash(OURS.lun)).toBe(before)
      // The other node's agent believes the target, and gives its key back: nothing is registered beside this node
      // any more.
      await agentOfB.errors(/this node has lost the volume/, SEEN_MS)
      await array.until(async () => !(await array.sh(REGISTERED)).includes('lunkeeper:b'), {
        deadline: SEEN_MS,
        what: 'its key is gone',
      })
      await onA.refused('OWNER_UNKNOWN')
      expect((await onA.status()).state).toBe('holding')
      expect(await again.hash(OURS.lun)).toBe(before)
      await agentOfB.stop()

      await a.ok(['lunkeeper', 'hold', 'db', '--give-up'])
      await writer.exited
      await onA.detach('--force')
      await agent.stop()
      await expectNothingLeft(a)
      expect(await again.hash(OURS.lun)).toBe(before)
      // A user decides whose it is.
      await onB.detach('--force')
      await onB.attach()
      await expectCleanDetach(onB)
    })
  },
)
