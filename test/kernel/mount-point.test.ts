import { describe, expect } from 'vitest'

import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'

describe.each(kernels('trixie'))(
  'a mount point that a user could replace with a link is refused (%s)',
  (debian) => {
    const it = onNode({
      debian,
      luns: [{ lun: 5, serial: 'aaaa5', bytes: 32 << 20 }],
      volume: { name: 'v' },
    })

    it.for([
      ['in the home of a user', '/mnt/alice/v', '/mnt/alice', 'owner 1000, mode 0755'],
      ['deep below it, in a directory of root', '/mnt/alice/deep/v', '/mnt/alice', 'owner 1000'],
      ['through a link that a user made in /tmp', '/tmp/link/v', '/tmp', 'mode 1777'],
      ['in a directory that all can write', '/mnt/open/v', '/mnt/open', 'owner 0, mode 0777'],
    ] as const)(
      'a mount point %s is refused, and nothing is left',
      async ([, point, directory, words], { node, volume }) => {
        await node.sh(`chmod 755 /mnt; echo 0 > /proc/sys/fs/protected_symlinks; mkdir -p -m 755 /mnt/alice/deep /mnt/open; chown 1000 /mnt/alice; chmod 777 /mnt/open
      chmod 1777 /tmp; mkdir -p /mnt/safe; ln -sfn /mnt/safe /tmp/link; chown -h 1000 /tmp/link`)
        try {
          const ended = await lunkeeper(node).fails(
            ['attach', ...volume.flags, '--format', '--mount', point],
            'BAD_MOUNT',
            2,
          )
          expect(ended.stderr).toContain(directory)
          expect(ended.stderr).toContain(words)
        } finally {
          await node.sh('rm -rf /mnt/alice /mnt/open /mnt/safe /tmp/link')
        }
        await expectNothingLeft(node)
      },
    )

    it('a mount point that attach creates in /tmp is used, and removed again', async ({ node, volume }) => {
      await volume.attach('--format', '--mount', '/tmp/data/v')
      await volume.detach()
      expect(await node.exists('/tmp/data')).toBe(false)
      await expectNothingLeft(node)
    })
  },
)
