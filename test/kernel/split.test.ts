import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { cutNetwork, joinNetwork } from '../../lab/network/cut.ts'
import type { OwnerReport, VolumeStatus } from '../../src/model/attachment.ts'
import { agentOn, expectNothingLeft, kernels, lunkeeper } from './node.ts'

const ADDRESS = { array: '10.9.0.1', a: '10.9.0.2', b: '10.9.0.3' }
/** mkfs.xfs refuses less than 300 MB. */
const SIZE = 320 << 20
/** For what an agent sees within seconds; generous, since the machine may be busy. */
const SEEN = 180_000
const FILES = 40

/**
 * A node is cut off under a writer, and holds; the volume moves to another node; the first one comes back. What it held
 * must not reach the volume (facts: ownership.md, S3).
 */
describe.each(kernels('bookworm'))('a held node that has lost its volume, on %s', (debian) => {
  let lab: Lab
  let array: LabNode
  let a: LabNode
  let b: LabNode
  let target: Target

  beforeAll(async () => {
    lab = await Lab.open()
    array = await lab.boot({ name: 'array', address: ADDRESS.array, debian, iscsid: false })
    a = await lab.boot({ name: 'a', address: ADDRESS.a, debian, memory: 640 })
    b = await lab.boot({ name: 'b', address: ADDRESS.b, debian, memory: 640 })
  })
  afterAll(() => lab?.close())
  // Where a test ended before it joined it again.
  afterEach(() => joinNetwork(a).catch(() => {}))

  const flags = (...more: string[]): string[] => [
    '--portal',
    ADDRESS.array,
    '--iqn',
    target.iqn,
    '--lun',
    '5',
    '--name',
    'db',
    '--mount',
    '/mnt/db',
    '--hold',
    'forever',
    ...more,
  ]
  const state = (node: LabNode, wanted: string) =>
    node.until<VolumeStatus>(
      async () => {
        const [volume] = await lunkeeper(node).volumes()
        return volume?.state === wanted ? volume : undefined
      },
      { deadline: SEEN, what: `db ${wanted} on ${node.name}` },
    )

  it.each([
    ['whose target has reservations', true, 'ext4'],
    ['whose target has none, by the mark of its ext4', false, 'ext4'],
    ['whose target has none, by the log of its xfs', false, 'xfs'],
  ])('writes nothing of what it held to a volume %s', async (_, hasReservations, fs) => {
    await Promise.all([array.reset(), a.reset(), b.reset()])
    target = await array.lio.target({ portals: [`${ADDRESS.array}:3260`] })
    await target.map(5, { serial: 'a11a0005', bytes: SIZE, name: 'ours' })
    if (!hasReservations)
      await array.sh(
        'for each in /sys/kernel/config/target/core/fileio_*/ours/attrib/emulate_pr; do echo 0 > $each; done',
      )
    const agent = await agentOn(a)
    const first = await lunkeeper(a).attach(flags('--format', '--fs', fs))
    const guard = hasReservations ? 'reservation' : fs === 'ext4' ? 'mark' : 'none'
    expect(first.owner).toMatchObject({ guard, holder: null })
    await a.sh('echo kept > /mnt/db/kept; sync -f /mnt/db')

    await cutNetwork(a)
    await agent.errors(/db: all paths lost/, SEEN)
    // More than fits into the journal: its blocks would land in the middle of what the other node writes.
    // It stops where the dirty pages of a held volume are bounded.
    await a.start(['sh', '-c', 'dd if=/dev/urandom of=/mnt/db/held bs=64k count=64; sync -f /mnt/db'])
    await a.until(async () => (await lunkeeper(a).volumes())[0]?.hold.waiting?.bytes, {
      deadline: SEEN,
      what: 'writes that wait',
    })

    await lunkeeper(b).attach(flags('--take-over', '--fs', fs))
    await b.sh(
      `cd /mnt/db; for n in $(seq ${FILES}); do echo $n > file$n; done; sync -f .; cat file* | sha256sum > /tmp/sum`,
    )
    // The new owner writes nothing by itself meanwhile (ext4 makes inode tables in the background): what comes is the former one's.
    await b.sh('fsfreeze --freeze /mnt/db')
    const before = await target.hash(5)

    await joinNetwork(a)
    const fenced = await state(a, 'fenced')
    expect(fenced.owner.mine).toBe(false)
    if (hasReservations) expect(fenced.owner.holder).toBe('iqn.2026-01.dev.lunkeeper:b')
    await agent.errors(/db: .*has lost the volume|db: .*another node has mounted/, SEEN)
    expect(await target.hash(5)).toBe(before)
    await b.sh('fsfreeze --unfreeze /mnt/db')
    const owner = JSON.parse((await lunkeeper(a).run(['owner', 'db'])).stdout) as OwnerReport
    expect(owner.verdict).not.toBe('own')

    const read = await b.sh('cd /mnt/db; cat file* | sha256sum; cat kept')
    expect(read.trim()).toBe(`${(await b.read('/tmp/sum')).trim()}\nkept`)
    await b.sh('echo after > /mnt/db/after; sync -f /mnt/db')
    await lunkeeper(a).detach('db', '--force')
    await agent.kill('SIGTERM')
    await agent.exited
    await expectNothingLeft(a)
    await lunkeeper(b).detach('db')
    await expectNothingLeft(b)
    const { file } = target.luns[0]!
    const check = await array.run(fs === 'xfs' ? ['xfs_repair', '-nf', file] : ['e2fsck', '-fn', file])
    expect(check.code, check.stdout).toBe(0)
  })
})
