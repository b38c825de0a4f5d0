import { setTimeout as sleep } from 'node:timers/promises'

import { describe, expect } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../lab/index.ts'
import { patient } from '../../lab/machine/pace.ts'
import { IDENTITY_CHECK_INTERVAL_MS } from '../../src/agent/identity-checks.ts'
import { onNode } from './fixtures.ts'
import { BOTH_KERNELS, kernels, lunkeeper } from './node.ts'
import { OURS, putBack, swap } from './swap.ts'
import type { Volume } from './volume.ts'
import { SESSION_HELD } from './volume.ts'

const DEVICE = '/dev/mapper/lunkeeper-db'

/** Programs that write to a raw volume on a hold map, which has lost its only path. */
describe.each(kernels('trixie'))('the users of a raw volume on a hold map without a path (%s)', (debian) => {
  const it = onNode({ debian, agent: true, luns: [OURS] })

  const waits = async (node: LabNode) =>
    (
      await node.sh(`grep -l '^State:.*D' /proc/[0-9]*/status | xargs -r grep -l '^Name:.dd$' || :`)
    ).trim() !== ''

  /** A program that writes and closes the device: the kernel keeps it in close until what it wrote is on the volume. */
  async function closing(node: LabNode): Promise<LabProcess> {
    const writer = await node.start(['sh', '-c', `exec dd if=/dev/zero of=${DEVICE} bs=4k count=4`])
    const descriptors = `ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c ' ${DEVICE}\\| /dev/dm-' || :`
    const isClosing = async () => (await waits(node)) && (await node.sh(descriptors)).trim() === '0'
    await node.until(isClosing, { deadline: 60_000, what: 'the program waiting in close(2)' })
    return writer
  }

  /** The beginning of the device contains something other than zeros. @returns the hash of the volume before */
  async function marked(node: LabNode, target: Target, device: string): Promise<string> {
    const before = await target.hash(5)
    await node.sh(`printf '%16384s' x > /tmp/data; dd if=/tmp/data of=${device} bs=16k conv=fsync`)
    expect(await target.hash(5)).not.toBe(before)
    return before
  }

  /** Once the target is back, the program's zeros are written, and the volume is detached. @param before its hash with zeros */
  async function expectWritten(
    target: Target,
    volume: Volume,
    writer: LabProcess,
    before: string,
  ): Promise<void> {
    await target.enable()
    expect((await writer.exited).code).toBe(0)
    await volume.state('ready')
    await volume.detach()
    expect(await target.hash(5)).toBe(before)
  }

  it('detach is refused while a program that has closed the device waits for its data, and loses nothing', async ({
    node,
    target,
    volume,
  }) => {
    await volume.attach('--hold', '600s')
    const before = await marked(node, target, DEVICE)
    await target.disable()
    await volume.state('holding')
    const writer = await closing(node)
    const refused = await lunkeeper(node).fails(['detach', 'db'], 'TARGET_AWAY')
    expect(refused.stderr).toContain('--force')
    await expectWritten(target, volume, writer, before)
  })

  it('detach does not need --force once everything is written and nothing has the device open', async ({
    node,
    target,
    volume,
  }) => {
    await volume.attach('--hold', '600s')
    await node.sh(`dd if=/dev/zero of=${DEVICE} bs=4k count=4`)
    await target.disable()
    await volume.state('holding')
    await volume.detach()
  })

  it('detach of a volume that its session holds is refused after a program has written to it, and loses nothing', async ({
    node,
    target,
    volume,
  }) => {
    const { device } = await volume.attach('--hold', '600s', '--hold-mode', 'session')
    const before = await marked(node, target, device!)
    await target.disable()
    await volume.state('holding')
    // In close(2), in write(2), or ended: then its pages stay, because udev, which was notified of the first write,
    // waits for the disk.
    const writer = await node.start(['dd', 'if=/dev/zero', `of=${device}`, 'bs=4k', 'count=4'])
    await lunkeeper(node).fails(['detach', 'db'], 'TARGET_AWAY')
    await expectWritten(target, volume, writer, before)
  })

  it('a misplaced volume is not attached again beneath a program that has its device open', async ({
    node,
    target,
    volume,
  }) => {
    await volume.attach('--hold', '600s')
    const user = await node.start(['sh', '-c', `exec 3<>${DEVICE}; echo open; exec sleep 1000`])
    await user.output(/open/)
    await swap(target)
    await node.run(['sh', '-c', `timeout 20 dd if=/dev/zero of=${DEVICE} bs=4k count=1 oflag=direct`])
    await volume.state('misplaced')
    await putBack(target)
    // Until the agent has looked several times; nothing reports that.
    await sleep(patient(2 * IDENTITY_CHECK_INTERVAL_MS))
    expect((await volume.status()).state).toBe('misplaced')
    await user.kill('SIGKILL')
    await volume.state('ready')
    await volume.detach()
  })

  it('attach brings the path back after a detach that was killed in an outage, for a program that has the device open', async ({
    node,
    agent,
    target,
    volume,
  }) => {
    await volume.attach('--hold', '600s')
    const user = await node.start([
      'sh',
      '-c',
      `exec 3<>${DEVICE}; echo open; dd if=/dev/zero bs=4k count=1 conv=fsync,notrunc 2>&1 >&3; exec sleep 1000`,
    ])
    await user.output(/copied/)
    await agent.kill()
    await lunkeeper(node).run(['detach', 'db'], { LUNKEEPER_DIE_AT: 'mark-detaching:after' })
    await target.disable()
    const sessions = () => node.sh('cat /sys/class/iscsi_session/*/state')
    await node.until(async () => /FAILED|FREE/.test(await sessions()), {
      deadline: 60_000,
      what: 'the loss of the session',
    })
    await lunkeeper(node).fails(['detach', 'db'], 'TARGET_AWAY')
    await target.enable()
    // iscsid logs it in again, or has given it up.
    await node.until(async () => /LOGGED_IN|FREE/.test(await sessions()), {
      deadline: 60_000,
      what: 'an end of the retries',
    })
    expect((await volume.attach('--hold', '600s')).state).toBe('ready')
    await node.sh(`timeout 30 dd if=${DEVICE} of=/dev/null bs=4k count=1 iflag=direct`)
    await user.kill('SIGKILL')
    await user.exited
    await volume.detach()
  })

  it('the hold of a volume that carries I/O is not given up, although an agent that died has left its note', async ({
    node,
    agent,
    target,
    volume,
  }) => {
    await volume.attach('--hold', '600s')
    await target.disable()
    await volume.state('holding')
    await agent.kill()
    await target.enable()
    await volume.attach('--hold', '600s')
    expect((await volume.status()).state).toBe('ready')
    await lunkeeper(node).fails(['hold', 'db', '--give-up'], 'CONFLICT')
    await node.sh(`timeout 30 dd if=/dev/zero of=${DEVICE} bs=4k count=1 oflag=direct`)
    expect((await volume.status()).state).toBe('ready')
    await volume.detach()
  })
})

// The kernels differ in which lock such a program holds.
describe.each(BOTH_KERNELS)('a raw volume in an outage (%s)', (debian) => {
  const it = onNode({ debian, agent: true, luns: [OURS] })

  it('comes back on a new disk although the last program that had it open was killed while it read', async ({
    node,
    agent,
    target,
    volume,
  }) => {
    await volume.attach('--hold', '600s')
    await agent.outage(target)
    await volume.loggedOut()
    const reader = await node.start(['dd', `if=${DEVICE}`, 'of=/dev/null', 'bs=4k', 'skip=1000', 'count=1'])
    const isWaiting = async () => (await node.sh('ps -o stat= -C dd || :')).startsWith('D')
    await node.until(isWaiting, { deadline: 60_000, what: 'the read' })
    await reader.kill('SIGKILL', { alone: true })
    await target.enable()
    await volume.state('ready')
    await node.sh(`timeout 30 dd if=${DEVICE} of=/dev/null bs=4k count=1 iflag=direct`)
    await volume.detach()
  })
})

describe.each(kernels('trixie'))('a raw volume held by its session (%s)', (debian) => {
  const OTHER = { lun: 6, serial: 'c33c0006', bytes: 16 << 20, name: 'other' }
  const it = onNode({ debian, agent: true, luns: [OURS, OTHER] })

  it('whose disk was removed and came back with another name is attached again before it is ready, and not if it is another volume', async ({
    node,
    target,
    volume,
  }) => {
    expect(await volume.attach(...SESSION_HELD)).toMatchObject({ device: '/dev/sda' })
    const other = volume.with({ name: 'other', lun: OTHER.lun })
    await node.sh('echo 1 > /sys/block/sda/device/delete')
    await volume.state('failed')
    await other.attach(...SESSION_HELD)
    expect((await other.status()).device).toBe('/dev/sda')
    const scan = () => node.sh('for host in /sys/class/scsi_host/*; do echo 0 0 5 > $host/scan; done')
    await swap(target)
    await scan()
    await node.until(async () => (await volume.status()).paths[0]?.disk === 'sdb', {
      deadline: 60_000,
      what: 'the other disk',
    })
    // The agent refuses it, and a program must not find it as the volume's.
    expect(await volume.status()).toMatchObject({ state: 'failed', device: null })
    await node.sh('echo 1 > /sys/block/sdb/device/delete')
    await putBack(target)
    await scan()
    expect(await volume.state('ready')).toMatchObject({ device: '/dev/sdb', owner: { mine: true } })
    await other.detach()
    await volume.detach()
  })
})
