import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'
import { OURS, putBack, swap } from './swap.ts'
import { expectCleanDetach } from './volume.ts'

/** A detach that is killed leaves a file system that may still write: while nobody repeats it, the agent guards it. */
describe.each(kernels('bookworm'))('a volume whose detach was killed (%s)', (debian) => {
  const it = onNode({ debian, memory: 640, agent: true, luns: [OURS] })

  const killDetach = (node: LabNode) =>
    lunkeeper(node).run(['detach', 'db'], { LUNKEEPER_DIE_AT: 'mark-detaching:after' })

  it.for([
    ['a hold map', '--hold-mode=map', '8:0'],
    ['its session', '--hold-mode=session', ''],
  ] as const)(
    'writes nothing to another volume that the array puts at its LUN (held by %s)',
    async ([, mode], { node, target, volume }) => {
      await volume.mounted(mode, '--mount-option', 'commit=300')
      await node.sh('echo 0 > /proc/sys/vm/dirty_writeback_centisecs; sync; echo unwritten > /mnt/db/file')
      await killDetach(node)
      expect((await volume.status()).state).toBe('detaching')
      const before = await swap(target)
      await volume.state('misplaced')
      await node.sh('echo more > /mnt/db/more; sync -f /mnt/db; true')
      expect(await target.hash(5)).toBe(before)
      await lunkeeper(node).fails(['detach', 'db'], 'IDENTITY_MISMATCH')
      expect((await volume.detach('--force')).left).toEqual([])
      expect(await target.hash(5)).toBe(before)
    },
  )

  it('loses nothing where its path has failed meanwhile: the next detach writes everything out', async ({
    node,
    agent,
    target,
    volume,
  }) => {
    await volume.mounted()
    await killDetach(node)
    await node.sh('dmsetup message lunkeeper-db 0 "fail_path 8:0"; echo kept > /mnt/db/file')
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
