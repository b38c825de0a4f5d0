import { setTimeout as sleep } from 'node:timers/promises'

import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { patient } from '../../lab/machine/pace.ts'
import { IDENTITY_CHECK_INTERVAL_MS } from '../../src/agent/identity-checks.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'
import { OURS, putBack, swap } from './swap.ts'
import { expectCleanDetach, SEEN_MS } from './volume.ts'

/** A killed detach leaves a file system that may still write: until the detach is repeated, the agent guards it. */
describe.each(kernels('bookworm'))('a volume whose detach was killed (%s)', (debian) => {
  const it = onNode({ debian, memory: 640, agent: true, luns: [OURS] })

  const killDetach = (node: LabNode) =>
    lunkeeper(node).run(['detach', 'db'], { LUNKEEPER_DIE_AT: 'mark-detaching:after' })

  it.for([
    // None of its I/O has gone to the other volume, so it is not misplaced.
    ['a hold map', '--hold-mode=map', 'detaching'],
    ['its session', '--hold-mode=session', 'misplaced'],
  ] as const)(
    'writes nothing to another volume that the array puts at its LUN (held by %s)',
    async ([, mode, state], { node, target, volume }) => {
      await volume.mounted(mode, '--mount-option', 'commit=300')
      await node.sh('echo 0 > /proc/sys/vm/dirty_writeback_centisecs; sync; echo unwritten > /mnt/db/file')
      await killDetach(node)
      expect((await volume.status()).state).toBe('detaching')
      // What went through before the volume itself last answered does not count; nothing reports an answer.
      await sleep(patient(2 * IDENTITY_CHECK_INTERVAL_MS))
      const before = await swap(target)
      await node.until(async () => (await node.run(['test', '-e', '/sys/block/sda'])).code !== 0, {
        deadline: SEEN_MS,
        what: 'the disk of the other volume removed',
      })
      expect((await volume.status()).state).toBe(state)
      // It fails at once, or waits in the map. None of it may reach the target.
      const user = await node.start(['sh', '-c', 'echo more > /mnt/db/more; sync -f /mnt/db'])
      const refused = await node.run(['lunkeeper', 'detach', 'db'])
      expect(refused.code, refused.stderr).not.toBe(0)
      expect(refused.stderr).toContain('--force')
      expect(await target.hash(5)).toBe(before)
      expect((await volume.detach('--force')).left).toEqual([])
      await user.exited
      expect(await target.hash(5)).toBe(before)
    },
  )

  it('writes nothing to another volume at its LUN when it is attached again', async ({
    node,
    target,
    volume,
  }) => {
    const { device } = await volume.attach('--hold-mode=map', '--hold=forever')
    await killDetach(node)
    await target.disable()
    const write = await node.start(`dd if=/dev/urandom of=${device} bs=4k count=4 oflag=direct`.split(' '))
    const isActive = async () => / 8:0 A /.test(await node.sh('dmsetup status lunkeeper-db'))
    await node.until(async () => !(await isActive()), { deadline: SEEN_MS, what: 'the path failed' })
    const before = await swap(target)
    await target.enable()
    await volume.refused('IDENTITY_MISMATCH', '--hold-mode=map', '--hold=forever')
    expect(await target.hash(5)).toBe(before)
    await putBack(target)
    expect((await volume.detach()).left).toEqual([])
    expect((await write.exited).code).toBe(0)
  })

  it('loses nothing where its LUN was unmapped meanwhile: the next detach brings the path back and writes everything out', async ({
    node,
    agent,
    target,
    volume,
  }) => {
    await volume.mounted()
    await killDetach(node)
    await node.sh('echo kept > /mnt/db/file')
    await target.unmap(5, { keep: true })
    const isFailed = async () => / 8:0 F /.test(await node.sh('dmsetup status lunkeeper-db'))
    await node.until(isFailed, { deadline: SEEN_MS, what: 'the path failed' })
    await target.mapMany([OURS])
    await expectCleanDetach(volume, agent)
    await putBack(target)
    await agent.start()
    await volume.again()
    expect(await node.sh('cat /mnt/db/file')).toBe('kept')
    await volume.detach()
    await agent.stop()
    await expectNothingLeft(node)
  })
})
