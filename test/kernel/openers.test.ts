import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { onNode } from './fixtures.ts'
import { agentOn, kernels, lunkeeper } from './node.ts'
import { loginByHand } from './other-session.ts'

const MIB = 1 << 20
const WRONG = 'naa.6001405ffffffffffffffffffffffffff'.slice(0, 36)

/** A program that has a device open without claiming it, like a virtual machine. */
describe.each(kernels('trixie'))('a disk that a program has open is left to it (%s)', (debian) => {
  const it = onNode({
    debian,
    luns: [{ lun: 5, serial: 'a5', bytes: 32 * MIB }],
    volume: { mount: '/mnt/v' },
  })

  const opener = async (node: LabNode, path: string) => {
    const process = await node.start(['sh', '-c', `exec 3<>${path}; echo open; exec sleep 1000`])
    await process.output(/open/)
    return process
  }
  const diskOf = async (node: LabNode, lun: number) => {
    const link = (await node.sh(`ls -d /sys/class/scsi_device/*:0:0:${lun}/device/block/*`)).trim()
    return link.slice(link.lastIndexOf('/') + 1)
  }
  /** The device as a container has it: in its own /dev, with a node of another name. */
  async function inContainer(node: LabNode, device: string) {
    const number = (await node.read(`/sys/class/block/${device}/dev`)).trim().replace(':', ' ')
    const process = await node.start([
      'unshare',
      '--mount',
      'sh',
      '-c',
      `mount -t tmpfs none /tmp && mknod /tmp/data b ${number} && exec 3<>/tmp/data && echo open && exec sleep 1000`,
    ])
    await process.output(/open/)
    return process
  }

  it('detach sees an opener in a container where the device node has another name', async ({
    node,
    volume,
  }) => {
    const { paths } = await volume.attach()
    const user = await inContainer(node, paths[0]!.disk!)
    const ended = await lunkeeper(node).fails(['detach', 'db'], 'BUSY')
    expect(ended.stderr).toMatch(/process \d+ \(sleep\) has it open/)
    await user.kill('SIGKILL')
    await volume.detach()
  })

  it.for(['their session', 'our session'])(
    'the disk of %s stays with its opener when attach refuses a wrong WWID',
    async (whose, { node, target, volume }) => {
      await target.map(1, { serial: 'a1', bytes: 32 * MIB })
      if (whose === 'their session') await loginByHand(node, target, { disks: 2 })
      else {
        await volume.with({ lun: 1, name: 'first' }).attach()
        await node.sh('echo 0 0 5 > $(ls -d /sys/class/iscsi_host/host*/device/scsi_host/host*/scan)')
        await node.until(async () => (await node.storage()).disks.length === 2, {
          deadline: 30_000,
          what: 'the second disk',
        })
      }
      const disk = await diskOf(node, 5)
      await opener(node, `/dev/${disk}`)
      const ended = await volume.refused('IDENTITY_MISMATCH', '--wwid', WRONG, '--mount', '/mnt/v')
      if (whose === 'our session')
        expect(ended.stderr).toMatch(/was left in place: process \d+ \(sleep\) has it open/)
      expect(await diskOf(node, 5)).toBe(disk)
    },
  )

  it.for(['with an agent', 'without one'])(
    'an open disk is not formatted, mounted or put under a map %s',
    async (whether, { node, target, volume }) => {
      if (whether === 'with an agent') await agentOn(node)
      await loginByHand(node, target, { disks: 1 })
      const blank = await target.hash(5)
      const user = await inContainer(node, await diskOf(node, 5))
      const ended = await volume.refused('BUSY', '--mount', '/mnt/v', '--format')
      expect(ended.stderr).toMatch(/process \d+ \(sleep\) has it open/)
      await volume.refused('BUSY')
      expect(await target.hash(5)).toBe(blank)
      expect((await node.storage()).maps).toEqual([])
      expect((await node.storage()).disks).toHaveLength(1)
      await user.kill('SIGKILL')
      expect((await volume.mounted()).state).toBe('ready')
      await volume.detach()
    },
  )

  it('a program that closes the disk within a moment does not fail an attach', async ({
    node,
    target,
    volume,
  }) => {
    await loginByHand(node, target, { disks: 1 })
    const disk = await diskOf(node, 5)
    const user = await node.start(['sh', '-c', `exec 3</dev/${disk}; echo open; exec sleep 1`])
    await user.output(/open/)
    expect((await volume.mounted()).state).toBe('ready')
  })

  it('a program that uses the raw device does not prevent attach from verifying it', async ({
    node,
    volume,
  }) => {
    await agentOn(node)
    const { device } = await volume.attach()
    await opener(node, device!)
    expect((await volume.attach()).state).toBe('ready')
    const mounted = await lunkeeper(node).volumes()
    expect(mounted).toHaveLength(1)
  })

  it('a stale disk stays with the program that has it open', async ({ node, target, volume }) => {
    await loginByHand(node, target, { disks: 1 })
    const disk = await diskOf(node, 5)
    await opener(node, `/dev/${disk}`)
    await target.unmap(5)
    await target.map(5, { serial: 'bb', bytes: 32 * MIB })
    const ended = await volume.refused('STALE_DISK', '--serial', 'bb')
    expect(ended.stderr).toMatch(/process \d+ \(sleep\) has device/)
    expect(await diskOf(node, 5)).toBe(disk)
  })
})
