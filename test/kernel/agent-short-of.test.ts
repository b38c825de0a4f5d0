import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { agentOn, expectNothingLeft, kernels, lunkeeper } from './node.ts'
import { Writer } from './writer.ts'

const MIB = 1 << 20
const SIZE = 64 * MIB
const OURS = 'a11a0005'
/** For what the agent sees within seconds; generous, since the machine may be busy. */
const SEEN = 90_000

describe.each(kernels('bookworm'))('an agent on a node that is short of something, on %s', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let agent: LabProcess

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian, memory: 640 })
  })
  afterAll(() => lab?.close())
  beforeEach(async () => {
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.map(5, { serial: OURS, bytes: SIZE, name: 'ours' })
    agent = await agentOn(node)
  })
  afterEach(async () => {
    await node.sh('rm -f /run/fill; sysctl -qw fs.inotify.max_user_instances=128')
    await node.reset()
    await node.sh('! mountpoint -q /mnt/small || umount /mnt/small')
  })

  const flags = (lun = 5, name = 'db'): string[] => [
    '--portal',
    '127.0.0.1',
    '--iqn',
    target.iqn,
    '--lun',
    String(lun),
    '--name',
    name,
  ]
  const mounted = (name = 'db', lun = 5, ...more: string[]) =>
    lunkeeper(node).attach([...flags(lun, name), '--mount', `/mnt/${name}`, '--format', ...more])

  const state = (wanted: string, name = 'db') =>
    node.until(
      async () => (await lunkeeper(node).volumes()).find((one) => one.name === name)?.state === wanted,
      { deadline: SEEN, what: `${name} ${wanted}` },
    )

  it('a hold counts from the first failure where the target answers and fails I/O', async () => {
    await node.sh('mkdir -p /mnt/small && mount -t tmpfs -o size=80m tmpfs /mnt/small')
    await target.unmap(5)
    await target.map(5, { serial: OURS, bytes: SIZE, name: 'small', dir: '/mnt/small' })
    await mounted('db', 5, '--hold', '20s')
    const writer = await Writer.start(node, '/mnt/db/file')
    await node.sh('dd if=/dev/zero of=/mnt/small/fill bs=1M 2>/dev/null || :')
    await node.start(['sh', '-c', 'dd if=/dev/urandom of=/mnt/db/big bs=1M count=40 conv=fsync 2>/dev/null'])
    // Told by the agent: on a slow machine the hold is over before a listing is.
    await agent.errors(/the target answers, but I\/O/, SEEN)
    await agent.errors(/the hold of 20 s is over/, SEEN)
    await writer.fails(SEEN)
    await state('failed')
    await writer.stop()
    await node.remove('/mnt/small/fill')
    await lunkeeper(node).detach('db', '--force')
  })

  it('a full /run neither keeps a lost path in use nor keeps it from coming back', async () => {
    await mounted('db', 5, '--hold', '600s')
    const writer = await Writer.start(node, '/mnt/db/file')
    await node.sh(
      'dd if=/dev/zero of=/run/fill bs=64k 2>/dev/null || dd if=/dev/zero of=/run/fill bs=1 seek=$(stat -c %s /run/fill) count=65536 2>/dev/null || :',
    )
    await target.disable()
    await agent.errors(/all paths lost/, SEEN)
    await target.enable()
    await writer.goesOn(SEEN, 3)
    await writer.stop()
    expect(writer.errors).toBe(0)
    await node.remove('/run/fill')
    await state('ready')
  })

  it('an agent starts and works on a node without inotify instances left', async () => {
    await agent.kill('SIGTERM')
    await agent.exited
    await node.sh('sysctl -qw fs.inotify.max_user_instances=0')
    agent = await agentOn(node)
    const { hold } = await mounted('db', 5)
    expect(hold.mode).toBe('map')
    await target.disable()
    await state('holding')
    await target.enable()
    await state('ready')
    await lunkeeper(node).detach('db')
    await agent.kill('SIGTERM')
    await agent.exited
    await expectNothingLeft(node)
  })
})
