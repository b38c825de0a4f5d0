import { expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { SEEN_MS } from './volume.ts'

const E2FSCK = '/usr/sbin/e2fsck'

/** The node's e2fsck writes for two minutes, like a check of a large, damaged file system. */
export async function slowCheck(node: LabNode) {
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
