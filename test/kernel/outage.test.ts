import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { patient } from '../../lab/index.ts'
import { onNode } from './fixtures.ts'
import { agentOn, expectNothingLeft, killAndWait, lunkeeper } from './node.ts'
import { expectCleanDetach, Volume } from './volume.ts'

/** What "in bounded time" means here: connection loss noticed (10 s), one blocked call given up (20 s), a logout. */
const BOUND = 60_000

describe('detach in an outage ends in bounded time, and says what would be lost', () => {
  const it = onNode({ luns: [{ lun: 3, serial: '3333' }], volume: { name: 'v', lun: 3 } })

  async function outage(node: LabNode, target: Target): Promise<void> {
    await target.disable()
    await node.until(async () => (await node.sh('cat /sys/class/iscsi_session/*/state')).includes('FAILED'), {
      deadline: 30_000,
      what: 'the loss of the session',
    })
  }

  it('a mounted volume is not detached while its target is away, and detaches with its data once it is back', async ({
    node,
    target,
    volume,
  }) => {
    await volume.mounted('--hold', '300s')
    await node.sh('echo unwritten > /mnt/v/file')
    await outage(node, target)
    const ended = await lunkeeper(node).fails(['detach', 'v'], 'TARGET_AWAY')
    expect(ended.ms).toBeLessThan(patient(BOUND))
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
    await expectCleanDetach(volume)
    await volume.again()
    expect(await node.sh('cat /mnt/v/file')).toContain('unwritten')
    await volume.detach()
  })

  it('--force removes everything although a writer waits in the kernel, and says that data is lost', async ({
    node,
    target,
    volume,
  }) => {
    await volume.mounted('--hold', '300s')
    await outage(node, target)
    const writer = await node.start(['sh', '-c', 'echo lost > /mnt/v/file; sync /mnt/v/file; sleep 1000'])
    const ended = await lunkeeper(node).run(['detach', 'v', '--force'])
    await writer.kill('SIGKILL')
    if (ended.code !== 0) {
      // The writer keeps the mount busy; its I/O has failed, so it can be ended now.
      expect(ended.stderr).toContain('error[BUSY]')
      await writer.exited
      await volume.detach('--force')
    }
    expect(ended.ms).toBeLessThan(patient(BOUND))
    expect(ended.stderr).toMatch(/lose|lost|dropped/)
    await expectNothingLeft(node)
  })

  it('a raw volume that no process has open may have unwritten data, while its session holds it', async ({
    node,
    target,
    volume,
  }) => {
    await volume.attach('--hold', '300s')
    await outage(node, target)
    // The program ends, and its data stays in the cache of the disk if anything else has the disk open.
    await node.sh('exec 3</dev/sda || :; timeout 20 dd if=/dev/zero of=/dev/sda bs=4k count=4 2>&1 || :')
    const refused = await lunkeeper(node).fails(['detach', 'v'], 'TARGET_AWAY')
    expect(refused.ms).toBeLessThan(patient(BOUND))
    const ended = await lunkeeper(node).run(['detach', 'v', '--force'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.ms).toBeLessThan(patient(BOUND))
    await expectNothingLeft(node)
  })

  it('a volume that its session held gets a hold map when it comes back with an agent', async ({
    node,
    volume,
  }) => {
    expect((await volume.attach('--hold', '300s')).hold.mode).toBe('session')
    const agent = await agentOn(node)
    // Nothing can be inserted below the user of the disk.
    expect((await volume.attach()).hold.mode).toBe('session')
    // As after a reboot: the agent attaches it again.
    await node.sh('iscsiadm -m session -u')
    const { hold, device } = await volume.attach()
    expect(hold).toMatchObject({ mode: 'map', wanted: 300 })
    expect(device).toBe('/dev/mapper/lunkeeper-v')
    await volume.detach()
    await agent.kill('SIGTERM')
    await agent.exited
    await expectNothingLeft(node)
  })

  it('a raw volume that a program has open is refused with the name of the program', async ({
    node,
    volume,
  }) => {
    await volume.attach()
    const reader = await node.start(['sh', '-c', 'exec 3</dev/sda; echo open; sleep 1000'])
    await reader.output(/open/, 10_000)
    const ended = await lunkeeper(node).fails(['detach', 'v'], 'BUSY')
    expect(ended.stderr).toContain(String(reader.pid))
    await killAndWait(reader)
    await expectCleanDetach(volume)
  })

  it('detach needs --force after the recovery timer ran out', async ({ node, target, volume }) => {
    await volume.mounted('--hold', '1s')
    await outage(node, target)
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
    expect(ended.ms).toBeLessThan(patient(BOUND))
    await expectNothingLeft(node)
  })

  it.for([
    ['the disk was deleted by hand', 'echo 1 > /sys/block/sda/device/delete'],
    ['the session was logged out by hand', 'iscsiadm -m session -u'],
    ['the mount is gone already', 'umount /mnt/v'],
    ['mount and disk are gone already', 'umount /mnt/v; echo 1 > /sys/block/sda/device/delete'],
    ['mount and session are gone already', 'umount /mnt/v; iscsiadm -m session -u'],
    ['the notes of this boot are lost', 'rm -r /run/lunkeeper'],
  ] as const)('detach removes what is left when %s', async ([, before], { node, volume }) => {
    await volume.mounted()
    await node.sh(before)
    await expectCleanDetach(volume)
  })

  it('a busy mount is refused with the process that uses it, and stays mounted', async ({ node, volume }) => {
    await volume.mounted()
    const user = await node.start(['sh', '-c', 'cd /mnt/v; echo in; sleep 1000'])
    await user.output(/in/, 10_000)
    const ended = await lunkeeper(node).fails(['detach', 'v'], 'BUSY')
    expect(ended.stderr).toContain(`process ${user.pid}`)
    expect((await node.storage()).mounts).toHaveLength(1)
    await killAndWait(user)
    await expectCleanDetach(volume)
  })

  it('a volume that is mounted only in another mount namespace is refused because it is in use there', async ({
    node,
    volume,
  }) => {
    await volume.mounted()
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
    await killAndWait(other)
    await expectCleanDetach(volume)
  })
})

describe('a target that is frozen, so that no connection breaks, does not block detach', () => {
  const it = onNode({ address: '10.9.0.2', after: 'keep' })

  it('detach is refused in bounded time, and removes everything with --force', async ({ lab, node }) => {
    const san = await lab.boot({ name: 'san', address: '10.9.0.1', iscsid: false, udev: false })
    const target = await san.lio.target({ portals: ['10.9.0.1:3260'] })
    await target.map(3, { serial: '3333' })
    const keeper = lunkeeper(node)
    await new Volume(node, target, { name: 'v', lun: 3, portals: ['10.9.0.1'] }).mounted()
    await node.sh('echo unwritten > /mnt/v/file')
    san.freeze()
    const refused = await keeper.run(['detach', 'v'])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/error\[(TARGET_AWAY|STUCK)\]/)
    expect(refused.ms).toBeLessThan(patient(BOUND))
    const forced = await keeper.run(['detach', 'v', '--force'])
    expect(forced.code, forced.stderr).toBe(0)
    expect(forced.ms).toBeLessThan(patient(BOUND))
    await expectNothingLeft(node)
  })
})
