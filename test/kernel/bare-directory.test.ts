import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels, killAndWait, lunkeeper } from './node.ts'

/** On an ordinary ext4, like a host's own disk; the rest of the lab is on tmpfs. */
const DISK = '/root/disk'
const POINT = `${DISK}/v`

describe.each(kernels('trixie'))('a bare mount point takes no writes (%s)', (debian) => {
  const it = onNode({
    debian,
    memory: 640,
    agent: true,
    luns: [{ lun: 5, serial: 'aaaa5' }],
    volume: { mount: POINT },
    async prepare(node) {
      await node.sh('modprobe brd rd_nr=1 rd_size=32768; mkfs.ext4 -q /dev/ram0; mkdir /root/disk /root/seen')
      await node.sh(`mount /dev/ram0 ${DISK}`)
    },
  })

  const isImmutable = async (node: LabNode, path: string) => /^\S*i/.test(await node.sh(`lsattr -d ${path}`))
  /** The directory below the mount, accessed beside the mount. */
  const below = (node: LabNode, script: string) =>
    node.sh(`mount --bind ${DISK} /root/seen; cd /root/seen/v; ${script}; cd /; umount /root/seen`)

  it('a writer that opens by path is refused after an unmount by hand, and detach leaves the directory as it was', async ({
    node,
    agent,
    volume,
  }) => {
    await node.sh(`mkdir -p ${POINT}`)
    await volume.mounted()
    const writer = await node.start([
      'sh',
      '-c',
      `while sleep 0.02; do echo line >> ${POINT}/file && echo ok || echo refused; done`,
    ])
    await writer.output(/ok\n/)
    await node.sh(`until umount ${POINT} 2>/dev/null; do :; done`)
    await writer.output(/refused\n(?:refused\n)+/)
    expect(writer.stderr).toContain('Operation not permitted')
    expect(await node.sh(`ls -A ${POINT}`)).toBe('')
    // Nor through another name of it, most often a container's.
    await node.sh(`mkdir -p /tmp/c; mount --bind ${POINT} /tmp/c; ! touch /tmp/c/x; umount /tmp/c`)
    await volume.again()
    await writer.output(/refused\nok\n/)
    await killAndWait(writer)
    await volume.detach()
    expect(await isImmutable(node, POINT)).toBe(false)
    await node.sh(`touch ${POINT}/x; rm -r ${POINT}`)
    await agent.stop()
    await expectNothingLeft(node)
  })

  it('the protection stays when a broken file system is remounted, and goes when all else is gone', async ({
    node,
    target,
    agent,
    volume,
  }) => {
    await volume.mounted('--hold', '1s')
    await node.sh(`echo unwritten > ${POINT}/file`)
    await target.disable()
    await agent.errors(/the hold of 1 s is over/)
    await node.sh(`! sync ${POINT}/file`)
    await target.enable()
    await agent.errors(/usable again/, 30_000)
    expect(await below(node, 'lsattr -d .')).toMatch(/^-+i/)
    await target.disable()
    await node.sh('for disk in /sys/block/sd*; do echo 1 > $disk/device/delete; done; iscsiadm -m session -u')
    await volume.detach('--force')
    expect(await node.exists(POINT)).toBe(false)
    await agent.stop()
    await expectNothingLeft(node)
  })

  it('a directory that was immutable stays so, one without such a flag is used, and a mount over it is reported by detach', async ({
    node,
    agent,
    volume,
  }) => {
    await node.sh(`mkdir ${POINT}; chattr +i ${POINT}`)
    await volume.mounted()
    await volume.detach()
    expect(await isImmutable(node, POINT)).toBe(true)
    await node.sh(`chattr -i ${POINT}; rmdir ${POINT}`)
    const ended = await lunkeeper(node).run(['attach', ...volume.flags, '--mount', '/lab/share/v'])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    await volume.detach()
    await volume.again()
    await node.sh(`umount ${POINT}; mount -t tmpfs none ${POINT}`)
    const refused = await lunkeeper(node).fails(['detach', 'db'], 'LEFT_BEHIND')
    expect(refused.stderr).toContain('something is mounted over it')
    await node.sh(`umount ${POINT}`)
    await volume.detach()
    await agent.stop()
    await expectNothingLeft(node)
  })
})
