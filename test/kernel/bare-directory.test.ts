import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { agentOn, expectNothingLeft, kernels, lunkeeper } from './node.ts'

/** On an ordinary ext4, as a host's own disk is; the rest of the lab is on tmpfs. */
const DISK = '/root/disk'
const POINT = `${DISK}/v`

describe.each(kernels('trixie'))('nobody writes into a bare mount point (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let agent: LabProcess
  let flags: string[]

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian, memory: 640 })
    await node.sh('modprobe brd rd_nr=1 rd_size=32768; mkfs.ext4 -q /dev/ram0; mkdir /root/disk /root/seen')
    await node.sh(`mount /dev/ram0 ${DISK}`)
  })
  afterAll(() => lab?.close())
  beforeEach(async () => {
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.map(5, { serial: 'aaaa5', bytes: 64 << 20 })
    flags = ['--portal', '127.0.0.1', '--iqn', target.iqn, '--lun', '5', '--name', 'db', '--format']
    agent = await agentOn(node)
  })
  afterEach(async () => {
    await node.reset()
    await node.remove('/dev/shm/luns')
  })

  const attached = (point = POINT, ...more: string[]) =>
    lunkeeper(node).attach([...flags, '--mount', point, ...more])
  const again = () => lunkeeper(node).attach([...flags.slice(0, -1), '--mount', POINT])
  const isImmutable = async (path: string) => /^\S*i/.test(await node.sh(`lsattr -d ${path}`))
  /** The directory below the mount, seen past it. */
  const below = (script: string) =>
    node.sh(`mount --bind ${DISK} /root/seen; cd /root/seen/v; ${script}; cd /; umount /root/seen`)

  async function end(): Promise<void> {
    await agent.kill('SIGTERM')
    await agent.exited
    await expectNothingLeft(node)
  }

  it('unmounted behind our back, a writer that opens by path is refused; detach leaves the directory as it was', async () => {
    await node.sh(`mkdir -p ${POINT}`)
    await attached()
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
    // Nor through another name of it: a container's, most often.
    await node.sh(`mkdir -p /tmp/c; mount --bind ${POINT} /tmp/c; ! touch /tmp/c/x; umount /tmp/c`)
    await again()
    await writer.output(/refused\nok\n/)
    await writer.kill('SIGKILL')
    await writer.exited
    await lunkeeper(node).detach('db')
    expect(await isImmutable(POINT)).toBe(false)
    await node.sh(`touch ${POINT}/x; rm -r ${POINT}`)
    await end()
  })

  it('kept when a broken file system is mounted anew, taken back when all else is gone', async () => {
    await attached(POINT, '--hold', '1s')
    await node.sh(`echo unwritten > ${POINT}/file`)
    await target.disable()
    await agent.errors(/the hold of 1 s is over/)
    await node.sh(`! sync ${POINT}/file`)
    await target.enable()
    await agent.errors(/usable again/, 30_000)
    expect(await below('lsattr -d .')).toMatch(/^-+i/)
    await target.disable()
    await node.sh('for disk in /sys/block/sd*; do echo 1 > $disk/device/delete; done; iscsiadm -m session -u')
    await lunkeeper(node).detach('db', '--force')
    expect(await node.exists(POINT)).toBe(false)
    await end()
  })

  it('immutable before: stays so; no such flag there: used without it; something mounted over it: detach says so', async () => {
    await node.sh(`mkdir ${POINT}; chattr +i ${POINT}`)
    await attached()
    await lunkeeper(node).detach('db')
    expect(await isImmutable(POINT)).toBe(true)
    await node.sh(`chattr -i ${POINT}; rmdir ${POINT}`)
    const ended = await lunkeeper(node).run(['attach', ...flags.slice(0, -1), '--mount', '/lab/share/v'])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    await lunkeeper(node).detach('db')
    await again()
    await node.sh(`umount ${POINT}; mount -t tmpfs none ${POINT}`)
    const refused = await lunkeeper(node).fails(['detach', 'db'], 'LEFT_BEHIND')
    expect(refused.stderr).toContain('something is mounted over it')
    await node.sh(`umount ${POINT}`)
    await lunkeeper(node).detach('db')
    await end()
  })
})
