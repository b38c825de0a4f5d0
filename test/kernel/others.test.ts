import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { expectNothingLeft, kernels, lunkeeper, remains } from './node.ts'

const MIB = 1 << 20

describe.each(kernels('trixie'))('what others did on this node is theirs (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let iqn: string
  let database: string

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian })
    database = debian === 'bookworm' ? '/etc/iscsi/nodes' : '/var/lib/iscsi/nodes'
  })
  afterAll(() => lab?.close())
  afterEach(() => node.reset())

  async function target(luns: number) {
    const made = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    iqn = made.iqn
    await made.mapMany(
      Array.from({ length: luns }, (_, lun) => ({ lun, serial: `ab${lun}`, bytes: 32 * MIB })),
    )
    return made
  }

  const flags = (lun: number) => ['--portal', '127.0.0.1', '--iqn', iqn, '--lun', String(lun), '--name', 'v']

  it('a discovered node record is used without being changed, and its scan = auto does not count', async () => {
    await target(8)
    await node.sh('iscsiadm -m discovery -t sendtargets -p 127.0.0.1')
    const records = () => node.sh(`find ${database} -type f | sort | xargs cat`)
    const before = await records()
    expect(before).toContain('node.session.scan = auto')
    const volume = await lunkeeper(node).attach([...flags(5), '--hold', '77s'])
    expect((await node.storage()).disks).toHaveLength(1)
    expect(volume.hold.effective).toBe(77)
    expect(await records()).toBe(before)
    // The session was ours, so it goes; the record is not.
    expect((await lunkeeper(node).detach('v')).removed.sessions).toHaveLength(1)
    expect(await records()).toBe(before)
    expect((await node.storage()).sessions).toEqual([])
  })

  it('a session that somebody scanned whole: its other disks and itself stay as they are', async () => {
    await target(8)
    await node.sh(
      `iscsiadm -m node -o new -T ${iqn} -p 127.0.0.1; iscsiadm -m node -T ${iqn} -p 127.0.0.1 -l`,
    )
    await node.until(async () => (await node.storage()).disks.length === 8, {
      deadline: 30_000,
      what: '8 disks',
    })
    const keeper = lunkeeper(node)
    const before = await node.storage()
    const volume = await keeper.attach(flags(5))
    expect((await node.storage()).disks).toHaveLength(8)
    const [session] = await keeper.sessions()
    expect(session!.disks.filter(({ owner }) => owner === 'v').map(({ lun }) => lun)).toEqual([5])
    expect(session!.disks.filter(({ owner }) => owner === 'phantom')).toHaveLength(7)
    const report = await keeper.detach('v')
    expect(report.removed).toMatchObject({ disks: [volume.paths[0]!.disk], sessions: [] })
    const after = await node.storage()
    expect(after.disks).toHaveLength(7)
    expect(after.sessions).toEqual(before.sessions)
  })

  it('a disk that somebody mounted is not handed out a second time', async () => {
    await target(1)
    await node.sh(
      `iscsiadm -m node -o new -T ${iqn} -p 127.0.0.1; iscsiadm -m node -T ${iqn} -p 127.0.0.1 -l
       until [ -b /dev/sda ]; do sleep 0.1; done; mkfs.ext4 -q /dev/sda && mkdir -p /mnt/theirs && mount /dev/sda /mnt/theirs`,
    )
    const before = await remains(node)
    const ended = await lunkeeper(node).fails(['attach', ...flags(0)], 'BUSY')
    expect(ended.stderr).toContain('/mnt/theirs')
    await lunkeeper(node).fails(['attach', ...flags(0), '--mount', '/mnt/ours'], 'BUSY')
    expect(await remains(node)).toEqual(before)
    await node.sh('umount /mnt/theirs; rmdir /mnt/theirs')
  })

  it('an iscsiadm that never hears of its login (2.1.10 with scan = manual) is not waited for', async () => {
    await target(1)
    await node.sh(`cp /usr/sbin/iscsiadm /tmp/iscsiadm.real
printf '#!/bin/sh\\n/tmp/iscsiadm.real "$@"; code=$?\\ncase "$*" in *" -l") sleep 1000;; esac\\nexit $code\\n' > /tmp/iscsiadm
chmod +x /tmp/iscsiadm; mount --bind /tmp/iscsiadm /usr/sbin/iscsiadm`)
    try {
      const volume = await lunkeeper(node).attach(flags(0))
      expect(volume.state).toBe('ready')
      await lunkeeper(node).detach('v')
    } finally {
      await node.sh('umount /usr/sbin/iscsiadm')
    }
    await expectNothingLeft(node)
  })

  it('other programs that drive iscsiadm at the same time disturb nothing, and are not disturbed', async () => {
    await target(2)
    const other = await node.start([
      'sh',
      '-c',
      `while :; do
         iscsiadm -m node -o show >/dev/null 2>&1; iscsiadm -m session >/dev/null 2>&1
         iscsiadm -m node -o new -T iqn.2026-11.other:x -p 127.0.0.9 >/dev/null && iscsiadm -m node -o delete -T iqn.2026-11.other:x -p 127.0.0.9 && echo done || echo failed
       done`,
    ])
    for (let round = 0; round < 3; round++) {
      await lunkeeper(node).attach(flags(1))
      await lunkeeper(node).detach('v')
    }
    await other.output(/done/, 30_000)
    await other.kill('SIGKILL')
    await other.exited
    expect(other.stdout).not.toContain('failed')
    await node.sh('iscsiadm -m node -o delete -T iqn.2026-11.other:x -p 127.0.0.9 2>/dev/null || true')
    await expectNothingLeft(node)
  })
})
