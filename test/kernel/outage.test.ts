import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { expectNothingLeft, lunkeeper } from './node.ts'

const MIB = 1 << 20
/** What "in bounded time" is here: connection loss noticed (10 s), one blocked call given up (20 s), a logout. */
const BOUND = 60_000

describe('detach while something is away ends in bounded time, and says what would be lost', () => {
  let lab: Lab
  let node: LabNode
  let target: Awaited<ReturnType<LabNode['lio']['target']>>
  let flags: string[]

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot()
  })
  afterAll(() => lab?.close())
  afterEach(() => node.reset())

  async function attached(...use: string[]) {
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.map(3, { serial: '3333', bytes: 64 * MIB })
    flags = ['--portal', '127.0.0.1', '--iqn', target.iqn, '--lun', '3', '--name', 'v']
    return lunkeeper(node).attach([...flags, ...use])
  }

  async function outage(): Promise<void> {
    await target.disable()
    await node.until(async () => (await node.sh('cat /sys/class/iscsi_session/*/state')).includes('FAILED'), {
      deadline: 30_000,
      what: 'the loss of the session',
    })
  }

  const MOUNT = ['--mount', '/mnt/v', '--format']

  it('a mounted volume: refused, and nothing is touched; once the target is back it detaches with its data', async () => {
    await attached(...MOUNT, '--hold', '300s')
    await node.sh('echo unwritten > /mnt/v/file')
    await outage()
    const ended = await lunkeeper(node).fails(['detach', 'v'], 'TARGET_AWAY')
    expect(ended.ms).toBeLessThan(BOUND)
    expect(ended.stderr).toContain('--force')
    expect((await node.storage()).mounts).toHaveLength(1)
    await target.enable()
    await node.until(
      async () => (await node.sh('cat /sys/class/iscsi_session/*/state')).includes('LOGGED_IN'),
      {
        deadline: 60_000,
        what: 'the return of the session',
      },
    )
    await lunkeeper(node).detach('v')
    await expectNothingLeft(node)
    await lunkeeper(node).attach([...flags, '--mount', '/mnt/v'])
    expect(await node.sh('cat /mnt/v/file')).toContain('unwritten')
    await lunkeeper(node).detach('v')
  })

  it('with --force: everything is gone, although a writer waited in the kernel, and it says that data is lost', async () => {
    await attached(...MOUNT, '--hold', '300s')
    await outage()
    const writer = await node.start(['sh', '-c', 'echo lost > /mnt/v/file; sync /mnt/v/file; sleep 1000'])
    const ended = await lunkeeper(node).run(['detach', 'v', '--force'])
    await writer.kill('SIGKILL')
    if (ended.code !== 0) {
      // The writer keeps the mount busy; its I/O has failed, so it can be ended now.
      expect(ended.stderr).toContain('error[BUSY]')
      await writer.exited
      await lunkeeper(node).detach('v', '--force')
    }
    expect(ended.ms).toBeLessThan(BOUND)
    expect(ended.stderr).toMatch(/lose|lost|dropped/)
    await expectNothingLeft(node)
  })

  it('a raw volume that nobody has open loses nothing: no --force is asked for', async () => {
    await attached()
    await outage()
    const ended = await lunkeeper(node).run(['detach', 'v'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.ms).toBeLessThan(BOUND)
    await expectNothingLeft(node)
  })

  it('a raw volume that a program has open: refused with its name', async () => {
    await attached()
    const reader = await node.start(['sh', '-c', 'exec 3</dev/sda; echo open; sleep 1000'])
    await reader.output(/open/, 10_000)
    const ended = await lunkeeper(node).fails(['detach', 'v'], 'BUSY')
    expect(ended.stderr).toContain(String(reader.pid))
    await reader.kill('SIGKILL')
    await reader.exited
    await lunkeeper(node).detach('v')
    await expectNothingLeft(node)
  })

  it('after the recovery timer ran out', async () => {
    await attached(...MOUNT, '--hold', '1s')
    await outage()
    await node.until(
      async () => (await node.sh('cat /sys/block/sda/device/state')).includes('transport-offline'),
      {
        deadline: 30_000,
        what: 'the end of the timer',
      },
    )
    await lunkeeper(node).fails(['detach', 'v'], 'TARGET_AWAY')
    const ended = await lunkeeper(node).run(['detach', 'v', '--force'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.ms).toBeLessThan(BOUND)
    await expectNothingLeft(node)
  })

  it.each([
    ['the disk was deleted by hand', 'echo 1 > /sys/block/sda/device/delete'],
    ['the session was logged out by hand', 'iscsiadm -m session -u'],
    ['the mount is gone already', 'umount /mnt/v'],
    ['mount and disk are gone already', 'umount /mnt/v; echo 1 > /sys/block/sda/device/delete'],
    ['mount and session are gone already', 'umount /mnt/v; iscsiadm -m session -u'],
    ['the notes of this boot are lost', 'rm -r /run/lunkeeper'],
  ])('%s: what is left is taken away', async (_, before) => {
    await attached(...MOUNT)
    await node.sh(before)
    const ended = await lunkeeper(node).run(['detach', 'v'])
    expect(ended.code, ended.stderr).toBe(0)
    await expectNothingLeft(node)
  })

  it('a busy mount: refused with the process that keeps it, and mounted still', async () => {
    await attached(...MOUNT)
    const user = await node.start(['sh', '-c', 'cd /mnt/v; echo in; sleep 1000'])
    await user.output(/in/, 10_000)
    const ended = await lunkeeper(node).fails(['detach', 'v'], 'BUSY')
    expect(ended.stderr).toContain(`process ${user.pid}`)
    expect((await node.storage()).mounts).toHaveLength(1)
    await user.kill('SIGKILL')
    await user.exited
    await lunkeeper(node).detach('v')
    await expectNothingLeft(node)
  })

  it('mounted in another mount namespace only: refused, for it is in use there', async () => {
    await attached(...MOUNT)
    const other = await node.start([
      'unshare',
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      'echo in; sleep 1000',
    ])
    await other.output(/in/, 10_000)
    const ended = await lunkeeper(node).fails(['detach', 'v'], 'BUSY')
    expect(ended.stderr).toContain('namespace')
    await other.kill('SIGKILL')
    await other.exited
    await lunkeeper(node).detach('v')
    await expectNothingLeft(node)
  })
})

describe('a target that is frozen, so that no connection breaks', () => {
  it('detach is refused in bounded time; forced, it takes everything away', async () => {
    await using lab = await Lab.open()
    const [san, node] = await Promise.all([
      lab.boot({ name: 'san', address: '10.9.0.1', iscsid: false, udev: false }),
      lab.boot({ name: 'node', address: '10.9.0.2' }),
    ])
    const target = await san.lio.target({ portals: ['10.9.0.1:3260'] })
    await target.map(3, { serial: '3333', bytes: 64 * MIB })
    const keeper = lunkeeper(node)
    await keeper.attach([
      '--portal',
      '10.9.0.1',
      '--iqn',
      target.iqn,
      '--lun',
      '3',
      '--name',
      'v',
      '--mount',
      '/mnt/v',
      '--format',
    ])
    await node.sh('echo unwritten > /mnt/v/file')
    san.freeze()
    const refused = await keeper.run(['detach', 'v'])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/error\[(TARGET_AWAY|STUCK)\]/)
    expect(refused.ms).toBeLessThan(BOUND)
    const forced = await keeper.run(['detach', 'v', '--force'])
    expect(forced.code, forced.stderr).toBe(0)
    expect(forced.ms).toBeLessThan(BOUND)
    await expectNothingLeft(node)
  })
})
