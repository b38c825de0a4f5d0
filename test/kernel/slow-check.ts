import { expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { expectNothingLeft } from './node.ts'
import type { Volume } from './volume.ts'
import { SEEN_MS } from './volume.ts'

const E2FSCK = '/usr/sbin/e2fsck'

/** The node's e2fsck writes for two minutes, like a check of a large, damaged file system. */
async function slowCheck(node: LabNode) {
  await node.write(
    '/run/e2fsck',
    `#!/bin/sh
n=0
while [ $n -lt 600 ]; do
  dd if=/dev/urandom of="$2" bs=4k count=1 seek=$((2000 + n)) conv=notrunc,fsync status=none || exit 8
  touch /run/e2fsck.writes; n=$((n + 1)); sleep 0.2
done
touch /run/e2fsck.done
`,
    { mode: 0o755 },
  )
  await node.sh(`rm -f /run/e2fsck.writes /run/e2fsck.done; mount --bind /run/e2fsck ${E2FSCK}`)
  return {
    writes: () =>
      node.until(() => node.exists('/run/e2fsck.writes'), { deadline: SEEN_MS, what: 'the check' }),
    /** Its program ends before it has written everything. */
    async fails() {
      const isOver = async () => (await node.run(['pgrep', '-f', '[/]run/e2fsck|[u]random'])).code !== 0
      await node.until(isOver, { deadline: SEEN_MS, what: 'the end of the check' })
      expect(await node.exists('/run/e2fsck.done')).toBe(false)
    },
    async [Symbol.asyncDispose]() {
      await node.sh(`umount ${E2FSCK}; rm /run/e2fsck`)
    },
  }
}

/**
 * Another volume that gets the volume's LUN while an attach checks its file system receives nothing once that attach has
 * failed, and nothing is left.
 * @param swap gives the LUN to another volume
 */
export async function expectCheckStopped(
  target: Pick<Target, 'hash'>,
  volume: Volume,
  swap: () => Promise<unknown>,
): Promise<void> {
  const { node } = volume
  await volume.mounted()
  await volume.detach()
  await using check = await slowCheck(node)
  const attach = await node.start(['lunkeeper', 'attach', ...volume.flags, '--mount', volume.mount])
  await check.writes()
  await swap()
  await attach.errors(/error\[IDENTITY_MISMATCH\]/, SEEN_MS)
  await attach.exited
  const written = await target.hash(volume.lun)
  await check.fails()
  expect(await target.hash(volume.lun)).toBe(written)
  await expectNothingLeft(node)
}
