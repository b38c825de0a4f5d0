import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { agentOn, kernels, lunkeeper } from './node.ts'

const MIB = 1 << 20
const WRONG = 'naa.6001405ffffffffffffffffffffffffff'.slice(0, 36)

/** A program that has a device open without claiming it, as a virtual machine has. */
describe.each(kernels('trixie'))('a disk that a program has open is left to it (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let flags: string[]

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian })
  })
  afterAll(() => lab?.close())
  afterEach(() => node.reset())

  async function serve(luns: readonly number[]) {
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.mapMany(luns.map((lun) => ({ lun, serial: `a${lun}`, bytes: 32 * MIB })))
    flags = ['--portal', '127.0.0.1', '--iqn', target.iqn, '--lun', '5']
  }

  const opener = async (path: string) => {
    const process = await node.start(['sh', '-c', `exec 3<>${path}; echo open; exec sleep 1000`])
    await process.output(/open/)
    return process
  }
  /** As another program attaches it: with every LUN. */
  async function loginByHand(disks: number) {
    await node.sh(
      `iscsiadm -m node -o new -T ${target.iqn} -p 127.0.0.1; iscsiadm -m node -T ${target.iqn} -p 127.0.0.1 -l`,
    )
    await node.until(async () => (await node.storage()).disks.length === disks, {
      deadline: 30_000,
      what: `${disks} disks`,
    })
  }
  const diskOf = async (lun: number) => {
    const link = (await node.sh(`ls -d /sys/class/scsi_device/*:0:0:${lun}/device/block/*`)).trim()
    return link.slice(link.lastIndexOf('/') + 1)
  }
  /** The device as a container has it: its own /dev, and a node of another name. */
  async function inContainer(device: string) {
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

  it('an opener in a container, whose node has another name, is seen by detach', async () => {
    await serve([5])
    const volume = await lunkeeper(node).attach(flags)
    const user = await inContainer(volume.paths[0]!.disk!)
    const ended = await lunkeeper(node).fails(['detach', volume.name], 'BUSY')
    expect(ended.stderr).toMatch(/process \d+ \(sleep\) has it open/)
    await user.kill('SIGKILL')
    await lunkeeper(node).detach(volume.name)
  })

  it.each(['their session', 'our session'])(
    'the wrong WWID is refused, and the disk of %s stays with its opener',
    async (whose) => {
      await serve([1, 5])
      if (whose === 'their session') await loginByHand(2)
      else {
        await lunkeeper(node).attach([...flags.slice(0, -1), '1', '--name', 'first'])
        await node.sh('echo 0 0 5 > $(ls -d /sys/class/iscsi_host/host*/device/scsi_host/host*/scan)')
        await node.until(async () => (await node.storage()).disks.length === 2, {
          deadline: 30_000,
          what: 'the second disk',
        })
      }
      const disk = await diskOf(5)
      await opener(`/dev/${disk}`)
      const ended = await lunkeeper(node).fails(
        ['attach', ...flags, '--wwid', WRONG, '--mount', '/mnt/v'],
        'IDENTITY_MISMATCH',
      )
      if (whose === 'our session') expect(ended.stderr).toMatch(/stays: process \d+ \(sleep\) has it open/)
      expect(await diskOf(5)).toBe(disk)
    },
  )

  it.each(['with an agent', 'without one'])(
    'is not formatted, mounted or put under a map %s',
    async (agent) => {
      await serve([5])
      if (agent === 'with an agent') await agentOn(node)
      await loginByHand(1)
      const blank = await target.hash(5)
      const user = await inContainer(await diskOf(5))
      const mount = [...flags, '--mount', '/mnt/v', '--format']
      const ended = await lunkeeper(node).fails(['attach', ...mount], 'BUSY')
      expect(ended.stderr).toMatch(/process \d+ \(sleep\) has it open/)
      await lunkeeper(node).fails(['attach', ...flags], 'BUSY')
      expect(await target.hash(5)).toBe(blank)
      expect((await node.storage()).maps).toEqual([])
      expect((await node.storage()).disks).toHaveLength(1)
      await user.kill('SIGKILL')
      const volume = await lunkeeper(node).attach(mount)
      expect(volume.state).toBe('ready')
      await lunkeeper(node).detach(volume.name)
    },
  )

  it('a program that lets go within a moment does not fail an attach', async () => {
    await serve([5])
    await loginByHand(1)
    const disk = await diskOf(5)
    const user = await node.start(['sh', '-c', `exec 3</dev/${disk}; echo open; exec sleep 1`])
    await user.output(/open/)
    const volume = await lunkeeper(node).attach([...flags, '--mount', '/mnt/v', '--format'])
    expect(volume.state).toBe('ready')
  })

  it('the program to which the raw device was handed out does not keep it from being verified', async () => {
    await serve([5])
    await agentOn(node)
    const volume = await lunkeeper(node).attach(flags)
    await opener(volume.device!)
    expect((await lunkeeper(node).attach(flags)).state).toBe('ready')
    const mounted = await lunkeeper(node).volumes()
    expect(mounted).toHaveLength(1)
  })

  it('a stale disk that a program has open is not taken from it', async () => {
    await serve([5])
    await loginByHand(1)
    const disk = await diskOf(5)
    await opener(`/dev/${disk}`)
    await target.unmap(5)
    await target.map(5, { serial: 'bb', bytes: 32 * MIB })
    const ended = await lunkeeper(node).fails(['attach', ...flags, '--serial', 'bb'], 'STALE_DISK')
    expect(ended.stderr).toMatch(/process \d+ \(sleep\) has device/)
    expect(await diskOf(5)).toBe(disk)
  })
})
