import { describe, expect } from 'vitest'

import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels, killAndWait, lunkeeper, remains } from './node.ts'
import { loginByHand } from './other-session.ts'

const MIB = 1 << 20

describe.each(kernels('trixie'))('anything that others made on a node is left alone (%s)', (debian) => {
  const it = onNode({ debian, volume: { name: 'v' } })
  const database = debian === 'bookworm' ? '/etc/iscsi/nodes' : '/var/lib/iscsi/nodes'
  const luns = (count: number) =>
    Array.from({ length: count }, (_, lun) => ({ lun, serial: `ab${lun}`, bytes: 32 * MIB }))

  it('a discovered node record is used without being changed, and its scan = auto is ignored', async ({
    node,
    target,
    volume,
  }) => {
    await target.mapMany(luns(8))
    await node.sh('iscsiadm -m discovery -t sendtargets -p 127.0.0.1')
    const records = () => node.sh(`find ${database} -type f | sort | xargs cat`)
    const before = await records()
    expect(before).toContain('node.session.scan = auto')
    const { hold } = await volume.attach('--hold', '77s')
    expect((await node.storage()).disks).toHaveLength(1)
    expect(hold.effective).toBe(77)
    expect(await records()).toBe(before)
    // The session was ours, so it ends; the record is not ours.
    expect((await volume.detach()).removed.sessions).toHaveLength(1)
    expect(await records()).toBe(before)
    expect((await node.storage()).sessions).toEqual([])
  })

  it('a session of another program stays as it is, with its other disks', async ({
    node,
    target,
    volume,
  }) => {
    await target.mapMany(luns(8))
    await loginByHand(node, target, { disks: 8 })
    const before = await node.storage()
    const { paths } = await volume.attach()
    expect((await node.storage()).disks).toHaveLength(8)
    const [session] = await lunkeeper(node).sessions()
    expect(session!.disks.filter(({ owner }) => owner === 'v').map(({ lun }) => lun)).toEqual([5])
    expect(session!.disks.filter(({ owner }) => owner === 'phantom')).toHaveLength(7)
    const report = await volume.detach()
    expect(report.removed).toMatchObject({ disks: [paths[0]!.disk], sessions: [] })
    const after = await node.storage()
    expect(after.disks).toHaveLength(7)
    expect(after.sessions).toEqual(before.sessions)
  })

  it('a disk that another program has mounted is not handed out a second time', async ({
    node,
    target,
    volume,
  }) => {
    await target.mapMany(luns(1))
    await loginByHand(node, target, { disks: 1 })
    await node.sh('mkfs.ext4 -q /dev/sda && mkdir -p /mnt/theirs && mount /dev/sda /mnt/theirs')
    const before = await remains(node)
    const ended = await volume.with({ lun: 0 }).refused('BUSY')
    expect(ended.stderr).toContain('/mnt/theirs')
    await volume.with({ lun: 0 }).refused('BUSY', '--mount', '/mnt/ours')
    expect(await remains(node)).toEqual(before)
    await node.sh('umount /mnt/theirs; rmdir /mnt/theirs')
  })

  it('attach does not wait for an iscsiadm that misses its login (2.1.10 with scan = manual)', async ({
    node,
    target,
    volume,
  }) => {
    await target.mapMany(luns(1))
    await node.sh(`cp /usr/sbin/iscsiadm /tmp/iscsiadm.real
printf '#!/bin/sh\\n/tmp/iscsiadm.real "$@"; code=$?\\ncase "$*" in *" -l") sleep 1000;; esac\\nexit $code\\n' > /tmp/iscsiadm
chmod +x /tmp/iscsiadm; mount --bind /tmp/iscsiadm /usr/sbin/iscsiadm`)
    try {
      expect((await volume.with({ lun: 0 }).attach()).state).toBe('ready')
      await volume.detach()
    } finally {
      await node.sh('umount /usr/sbin/iscsiadm')
    }
    await expectNothingLeft(node)
  })

  it('an attach does not fail because other programs remove records of other targets meanwhile', async ({
    node,
    target,
    volume,
  }) => {
    await target.mapMany(luns(2))
    const theirs = `${database}/iqn.2026-11.other:x`
    await node.sh('iscsiadm -m node -o new -T iqn.2026-11.other:x -p 127.0.0.9')
    // Many records make it likely that iscsiadm meets a record that is being removed.
    const other = await node.start([
      'sh',
      '-c',
      `mv ${theirs} /tmp/record
       for n in $(seq 300); do cp -r /tmp/record/* /tmp/record/127.0.1.$n,3260,-1; done
       while :; do cp -r /tmp/record ${theirs} && rm -r ${theirs} && echo done; sleep 0.2; done`,
    ])
    await other.output(/done/, 30_000)
    for (let round = 0; round < 5; round++) {
      await volume.with({ lun: 1 }).attach()
      await volume.detach()
    }
    await killAndWait(other)
    await node.sh(`rm -rf ${theirs}`)
    await expectNothingLeft(node)
  })

  it('other programs that run iscsiadm at the same time disturb nothing, and are not disturbed', async ({
    node,
    target,
    volume,
  }) => {
    await target.mapMany(luns(2))
    const other = await node.start([
      'sh',
      '-c',
      `while :; do
         iscsiadm -m node -o show >/dev/null 2>&1; iscsiadm -m session >/dev/null 2>&1
         iscsiadm -m node -o new -T iqn.2026-11.other:x -p 127.0.0.9 >/dev/null && iscsiadm -m node -o delete -T iqn.2026-11.other:x -p 127.0.0.9 && echo done || echo failed
       done`,
    ])
    for (let round = 0; round < 3; round++) {
      await volume.with({ lun: 1 }).attach()
      await volume.detach()
    }
    await other.output(/done/, 30_000)
    await killAndWait(other)
    expect(other.stdout).not.toContain('failed')
    await node.sh('iscsiadm -m node -o delete -T iqn.2026-11.other:x -p 127.0.0.9 2>/dev/null || true')
    await expectNothingLeft(node)
  })
})
