import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { Agent } from './agent.ts'
import { onTwoNodes } from './fixtures.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'
import { OURS } from './swap.ts'
import type { Volume } from './volume.ts'
import { expectCleanDetach } from './volume.ts'

const OTHER = { lun: 6, serial: 'c33c0006', bytes: 16 << 20, name: 'other' }

/** What a loss of power leaves: the record, and no mount, map, session or note. */
const losePower = (node: LabNode) =>
  node.sh(
    '! mountpoint -q /mnt/db || umount /mnt/db; dmsetup remove lunkeeper-db || :; iscsiadm -m node -u || :; rm -rf /run/lunkeeper',
  )

/** The other node has given the volume back. The note of the loss is beside the record. */
async function expectFencedAfterReboot(node: LabNode, agent: Agent, volume: Volume): Promise<void> {
  await agent.kill()
  await losePower(node)
  await agent.start()
  // Longer than the agent waits between two attempts.
  await node.sh('sleep 5')
  expect(await volume.status()).toMatchObject({ state: 'fenced', paths: [{ disk: null }] })
}

describe.each(kernels('bookworm'))('a node that was down while another one had its volume (%s)', (debian) => {
  const it = onTwoNodes({ debian, luns: [OURS, OTHER] })

  it.for([
    ['with reservations', true, 'map', /this node has lost the volume/],
    ['without reservations', false, 'map', /another node has mounted or checked its file system since/],
    ['held by its session', true, 'session', /this node has lost the volume/],
  ] as const)(
    'does not attach it automatically, even once that node has given it back (%s)',
    async ([, isReserved, mode, why], { a, b, onA, onB, target }) => {
      if (!isReserved) await target.disableReservations(OURS.lun)
      const agent = await Agent.start(a)
      await onA.mounted('--fs', 'ext4', '--hold-mode', mode)
      await agent.kill()
      await losePower(a)
      await onB.again(...(isReserved ? ['--take-over'] : []))
      await b.sh('echo theirs > /mnt/db/file; sync -f /mnt/db')
      await agent.start()
      await agent.errors(why)
      await onA.state('fenced')
      await expectCleanDetach(onB)
      // Longer than the agent waits between two attempts.
      await a.sh('sleep 5')
      expect(await onA.status()).toMatchObject({ state: 'fenced', paths: [{ disk: null }] })
      await expectFencedAfterReboot(a, agent, onA)
      // Without that note, the file system still shows it.
      await agent.kill()
      await a.sh('rm -rf /run/lunkeeper /var/lib/lunkeeper/fenced')
      await agent.start()
      await agent.errors(/another node has mounted or checked its file system since/)
      await onA.state('fenced')
      // A person decides.
      await onA.again('--hold-mode', mode)
      expect(await a.read('/mnt/db/file')).toBe('theirs\n')
      expect((await onA.status()).state).toBe('ready')
      await expectCleanDetach(onA, agent)
      await expectNothingLeft(b)
    },
  )

  it.for([
    ['map', 'sda'],
    ['session', 'sda'],
    ['session', 'sdb'],
  ] as const)(
    'does not call it ready after an attach that was killed when it had a disk (%s, %s)',
    async ([mode, disk], { a, onA, onB }) => {
      const agent = await Agent.start(a)
      await onA.attach('--hold-mode', mode)
      await agent.kill()
      await losePower(a)
      await onB.attach('--take-over')
      if (disk === 'sdb') await onA.with({ name: 'other', lun: OTHER.lun }).attach('--hold-mode', 'session')
      const ended = await lunkeeper(a).run(['attach', ...onA.flags], { LUNKEEPER_DIE_AT: 'scan:after' })
      expect(ended.signal, ended.stderr).toBe('SIGKILL')
      expect(await onA.status()).toMatchObject({
        state: 'fenced',
        owner: { mine: false, holder: expect.stringMatching(/:b$/) },
        paths: [{ disk }],
      })
      await agent.start()
      await onA.state('fenced')
      await a.sh('sleep 5')
      expect(await onA.status()).toMatchObject({ state: 'fenced', device: null, paths: [{ disk: null }] })
      // A raw device has no mark.
      await onB.detach()
      await expectFencedAfterReboot(a, agent, onA)
      // A person decides, also without an agent, and the next agent accepts that.
      if (mode === 'session') {
        await agent.kill()
        await losePower(a)
      }
      expect(await onA.attach('--hold-mode', mode)).toMatchObject({ state: 'ready', owner: { mine: true } })
      await a.sh('test ! -e /var/lib/lunkeeper/fenced/db.json')
      if (mode === 'session') await agent.start()
      await a.sh('sleep 3')
      expect(await onA.status()).toMatchObject({ state: 'ready', owner: { mine: true } })
    },
  )

  it('attaches it automatically although its own attempts have checked the file system before they failed', async ({
    a,
    onA,
    target,
  }) => {
    await target.disableReservations(OURS.lun)
    const agent = await Agent.start(a)
    await onA.mounted('--fs', 'ext4')
    // The next check is a full one, which changes the superblock.
    await a.sh('tune2fs -c 1 /dev/mapper/lunkeeper-db')
    await agent.kill()
    await losePower(a)
    await a.sh('cp /usr/bin/mount /tmp/mount; mount --bind /usr/bin/false /usr/bin/mount')
    await agent.start()
    await agent.errors(/mount/)
    await a.sh('/tmp/mount > /dev/null; umount /usr/bin/mount')
    await onA.state('ready')
    await expectCleanDetach(onA, agent)
  })
})
