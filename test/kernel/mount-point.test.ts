import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'

describe.each(kernels('trixie'))('a mount point that a user could exchange for a link (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let flags: string[]

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian })
  })
  afterAll(() => lab?.close())
  afterEach(() => node.reset())

  async function serve() {
    const target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.map(5, { serial: 'aaaa5', bytes: 32 << 20 })
    flags = ['attach', '--portal', '127.0.0.1', '--iqn', target.iqn, '--lun', '5', '--name', 'v', '--format']
  }

  it.each([
    ['in the home of a user', '/mnt/alice/v', '/mnt/alice', 'owner 1000, mode 0755'],
    ['deep below it, in a directory of root', '/mnt/alice/deep/v', '/mnt/alice', 'owner 1000'],
    ['through a link that a user made in /tmp', '/tmp/link/v', '/tmp', 'mode 1777'],
    ['in a directory that all can write', '/mnt/open/v', '/mnt/open', 'owner 0, mode 0777'],
  ])('%s is refused, and nothing is left', async (_, point, directory, words) => {
    await serve()
    await node.sh(`chmod 755 /mnt; echo 0 > /proc/sys/fs/protected_symlinks; mkdir -p -m 755 /mnt/alice/deep /mnt/open; chown 1000 /mnt/alice; chmod 777 /mnt/open
      chmod 1777 /tmp; mkdir -p /mnt/safe; ln -sfn /mnt/safe /tmp/link; chown -h 1000 /tmp/link`)
    try {
      const ended = await lunkeeper(node).fails([...flags, '--mount', point], 'BAD_MOUNT', 2)
      expect(ended.stderr).toContain(directory)
      expect(ended.stderr).toContain(words)
    } finally {
      await node.sh('rm -rf /mnt/alice /mnt/open /mnt/safe /tmp/link')
    }
    await expectNothingLeft(node)
  })

  it('one that is made in /tmp is mounted, and goes again', async () => {
    await serve()
    const ended = await lunkeeper(node).run([...flags, '--mount', '/tmp/data/v'])
    expect(ended.code, ended.stderr).toBe(0)
    await lunkeeper(node).detach('v')
    expect(await node.exists('/tmp/data')).toBe(false)
    await expectNothingLeft(node)
  })
})
