import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { patient } from '../../lab/index.ts'
import type { DetachReport } from '../../src/model/attachment.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, lunkeeper, remains } from './node.ts'

describe('bad input is an error with a hint, changes nothing and loses nothing', () => {
  const it = onNode({ luns: [{ lun: 1, serial: '1111' }], volume: { name: 'v', lun: 1 } })

  const flags = (target: Target, changed: Record<string, string> = {}) =>
    Object.entries({ '--portal': '127.0.0.1', '--iqn': target.iqn, '--lun': '1', ...changed }).flat()

  describe('a malformed request is refused', () => {
    it.for([
      ['BAD_IQN', { '--iqn': 'iqn.2026-13.example:x' }],
      ['BAD_IQN', { '--iqn': 'not an iqn' }],
      ['BAD_PORTAL', { '--portal': '10.0.0.256' }],
      ['BAD_PORTAL', { '--portal': '127.0.0.1:99999' }],
      ['BAD_PORTAL', { '--portal': 'fe80::zz' }],
      ['BAD_LUN', { '--lun': '-1' }],
      ['BAD_LUN', { '--lun': '0x5' }],
      ['BAD_WWID', { '--wwid': 'naa.123' }],
      ['BAD_NAME', { '--name': '../../etc/passwd' }],
      ['BAD_HOLD', { '--hold': 'soon' }],
      ['BAD_MOUNT', { '--mount': 'relative/path' }],
      ['BAD_MOUNT', { '--mount': '/mnt/../etc' }],
    ] as const)('attach fails with %s for %j', async ([code, changed], { node, target }) => {
      await lunkeeper(node).fails(['attach', ...flags(target, changed)], code, 2)
      await expectNothingLeft(node)
    })

    it.for([
      ['a file system without a mount point', ['--fs', 'xfs']],
      ['formatting without a mount point', ['--format']],
      ['formatting a read-only volume', ['--mount', '/mnt/v', '--format', '--read-only']],
    ] as const)('attach refuses %s', async ([, extra], { node, target }) => {
      await lunkeeper(node).fails(['attach', ...flags(target), ...extra], 'BAD_REQUEST', 2)
      await expectNothingLeft(node)
    })
  })

  describe('a portal that cannot be used is named', () => {
    it('a portal that refuses the connection is an error within seconds', async ({ node, target }) => {
      const ended = await lunkeeper(node).fails(
        ['attach', ...flags(target, { '--portal': '127.0.0.1:3999' })],
        'PORTAL_REFUSED',
      )
      expect(ended.ms).toBeLessThan(patient(10_000))
      await expectNothingLeft(node)
    })

    it('a portal that does not answer is an error within seconds', async ({ node, target }) => {
      // A network card with nothing behind it: packets go out, and no host answers.
      await node.sh(
        'ip link add nowhere type dummy; ip addr add 10.97.0.1/24 dev nowhere; ip link set nowhere up',
      )
      const ended = await lunkeeper(node).run(['attach', ...flags(target, { '--portal': '10.97.0.9' })])
      expect(ended.code).toBe(1)
      expect(ended.stderr).toMatch(/error\[PORTAL_(SILENT|UNREACHABLE)\]/)
      expect(ended.ms).toBeLessThan(patient(15_000))
      await expectNothingLeft(node)
    })

    it('a host name that does not resolve is an error', async ({ node, target }) => {
      await lunkeeper(node).fails(
        ['attach', ...flags(target, { '--portal': 'san.invalid' })],
        'PORTAL_UNREACHABLE',
      )
      await expectNothingLeft(node)
    })

    it('a target that the portal does not have is an error', async ({ node, target }) => {
      await lunkeeper(node).fails(
        ['attach', ...flags(target, { '--iqn': 'iqn.2026-01.example:missing' })],
        'TARGET_NOT_FOUND',
      )
      await expectNothingLeft(node)
    })
  })

  describe('the identity of a volume is verified', () => {
    it.for([
      ['--serial', '2222'],
      ['--wwid', 'naa.60014050000000000000000000000000'],
    ] as const)(
      'attach refuses a %s that differs from that of the volume',
      async ([flag, value], { node, target }) => {
        const before = await target.hash(1)
        await lunkeeper(node).fails(
          ['attach', ...flags(target), flag, value, '--mount', '/mnt/v', '--format'],
          'IDENTITY_MISMATCH',
        )
        expect(await target.hash(1)).toBe(before)
        await expectNothingLeft(node)
      },
    )

    it('attach trusts the identity at first use, and insists on it from then on', async ({
      node,
      target,
    }) => {
      const keeper = lunkeeper(node)
      const first = await keeper.attach(flags(target))
      await target.unmap(1)
      await target.map(1, { serial: '2222' })
      await keeper.fails(['attach', ...flags(target)], 'IDENTITY_MISMATCH')
      await target.unmap(1)
      await target.map(1, { serial: '1111' })
      expect((await keeper.attach(flags(target))).device).toBe(first.device)
      await keeper.detach(first.name)
      await expectNothingLeft(node)
    })
  })

  describe('the content of a volume is safe', () => {
    it.for([
      ['its first byte', 'dd if=/dev/zero bs=1 count=1 | tr "\\0" x | dd of=$1 conv=notrunc bs=1'],
      ['its last byte', 'size=$(stat -c %s $1); printf x | dd of=$1 conv=notrunc bs=1 seek=$((size - 1))'],
      ['a file system', 'mkfs.xfs -q -f $1 2>/dev/null || mkfs.ext4 -q $1'],
      [
        'a partition table',
        "printf '\\000\\000\\002\\000\\203\\377\\377\\377\\000\\010\\000\\000\\000\\360\\001\\000' | dd of=$1 conv=notrunc bs=1 seek=446; printf '\\125\\252' | dd of=$1 conv=notrunc bs=1 seek=510",
      ],
    ] as const)(
      'a volume that is not blank by %s is never formatted',
      async ([, spoil], { node, target }) => {
        const file = await backing(node)
        await node.ok(['sh', '-ec', spoil, 'sh', file])
        const before = await target.hash(1)
        await lunkeeper(node).fails(
          ['attach', ...flags(target), '--mount', '/mnt/v', '--format'],
          'NOT_BLANK',
        )
        expect(await target.hash(1)).toBe(before)
        await expectNothingLeft(node)
      },
    )

    it('a blank volume is refused without --format, and stays blank', async ({ node, target }) => {
      const before = await target.hash(1)
      await lunkeeper(node).fails(['attach', ...flags(target), '--mount', '/mnt/v'], 'NO_FILESYSTEM')
      expect(await target.hash(1)).toBe(before)
      await expectNothingLeft(node)
    })

    it('a volume with another file system than requested is refused', async ({ node, target }) => {
      await node.ok(['mkfs.ext4', '-q', await backing(node)])
      await lunkeeper(node).fails(
        ['attach', ...flags(target), '--mount', '/mnt/v', '--fs', 'xfs'],
        'FS_MISMATCH',
      )
      await expectNothingLeft(node)
    })

    it('a mount point that is not empty is refused', async ({ node, target }) => {
      await node.ok(['mkfs.ext4', '-q', await backing(node)])
      await node.sh('mkdir -p /mnt/v && echo precious > /mnt/v/file')
      await lunkeeper(node).fails(['attach', ...flags(target), '--mount', '/mnt/v'], 'BAD_MOUNT', 2)
      expect(await node.sh('cat /mnt/v/file')).toContain('precious')
      await node.sh('rm -r /mnt/v')
      await expectNothingLeft(node)
    })

    async function backing(node: LabNode): Promise<string> {
      const files = await node.sh(
        'cat /sys/kernel/config/target/core/fileio_*/*/info | grep -o "File: [^ ]*" | cut -d" " -f2',
      )
      return files.trim().split('\n')[0]!
    }
  })

  describe('a request that contradicts an attachment is refused', () => {
    it('another name, mount point, mode or owner of the name is refused, and the attachment stays as it is', async ({
      node,
      target,
      volume,
    }) => {
      await target.map(2, { serial: '2222' })
      await volume.mounted()
      const before = await remains(node)
      const second = flags(target, { '--lun': '2' })
      for (const request of [
        [...flags(target), '--mount', '/mnt/w'],
        flags(target),
        [...flags(target), '--mount', '/mnt/v', '--read-only'],
        [...flags(target), '--mount', '/mnt/v', '--fs', 'xfs'],
        [...second, '--name', 'v'],
        [...second, '--mount', '/mnt/v', '--format'],
      ])
        await lunkeeper(node).fails(['attach', ...request], 'CONFLICT')
      await volume.with({ name: 'w' }).refused('ATTACHED_ALREADY', '--mount', '/mnt/v')
      expect(await remains(node)).toEqual(before)
      await volume.detach()
    })
  })

  describe('a node that is not fit is reported', () => {
    it('attach changes nothing where there is no space for the record', async ({ node, target }) => {
      await node.sh(
        'mkdir -p /var/lib/lunkeeper && mount -t tmpfs -o size=4k tmpfs /var/lib/lunkeeper && cat /dev/zero > /var/lib/lunkeeper/full 2>/dev/null || true',
      )
      await lunkeeper(node).fails(['attach', ...flags(target)], 'NO_SPACE')
      await node.sh('umount /var/lib/lunkeeper')
      await expectNothingLeft(node)
    })

    it('corrupt and incomplete records do not affect other volumes, and nothing is guessed from them', async ({
      node,
      target,
      volume,
    }) => {
      const keeper = lunkeeper(node)
      const good = volume.with({ name: 'good' })
      await good.attach()
      await node.write('/var/lib/lunkeeper/volumes/half.json', '{ "version": 1, "name": "ha')
      await node.write('/var/lib/lunkeeper/volumes/newer.json', '{ "version": 99 }')
      const listed = await keeper.run(['volumes'])
      expect(listed.code).toBe(0)
      expect(JSON.parse(listed.stdout)).toMatchObject([{ name: 'good' }])
      expect(listed.stderr).toContain('half.json')
      await keeper.fails(['detach', 'half'], 'RECORD_CORRUPT')
      await keeper.fails(['attach', ...flags(target, { '--lun': '1' }), '--name', 'half'], 'ATTACHED_ALREADY')
      await good.detach()
      await node.sh('rm /var/lib/lunkeeper/volumes/*.json')
      await expectNothingLeft(node)
    })

    it('a volume whose record is lost or corrupt is detached by mount point and by device', async ({
      node,
      volume,
    }) => {
      const registrations = () => node.sh('cat /sys/kernel/config/target/core/*/*/pr/res_pr_registered_i_pts')
      await volume.mounted()
      expect(await registrations()).toContain('iqn.')
      await node.sh('echo data > /mnt/v/file; rm /var/lib/lunkeeper/volumes/v.json')
      const ended = await lunkeeper(node).run(['detach', '/mnt/v'])
      // The record contained what had set the flag.
      expect(ended.stderr).toContain('chattr -i /mnt/v')
      const report = JSON.parse(ended.stdout) as DetachReport
      expect(report.removed).toMatchObject({
        mounts: ['/mnt/v'],
        disks: [expect.any(String)],
        sessions: [expect.any(Number)],
      })
      await node.sh('chattr -i /mnt/v; rmdir /mnt/v')
      await expectNothingLeft(node)
      expect(await registrations()).not.toContain('iqn.')
      const raw = await volume.attach()
      await node.write('/var/lib/lunkeeper/volumes/v.json', 'garbage')
      await lunkeeper(node).detach(raw.device!)
      await node.sh('rm /var/lib/lunkeeper/volumes/v.json')
      await expectNothingLeft(node)
      expect(await registrations()).not.toContain('iqn.')
    })

    it('a missing program is an error', async ({ node, target }) => {
      await node.sh('mount --bind /dev/null /usr/sbin/mkfs.xfs')
      const asked = ['--mount', '/mnt/v', '--fs', 'xfs', '--format']
      const ended = await lunkeeper(node).run(['attach', ...flags(target), ...asked])
      await node.sh('umount /usr/sbin/mkfs.xfs')
      expect(ended.code).toBe(1)
      expect(ended.stderr).toMatch(/error\[(PROGRAM_MISSING|NO_PERMISSION)\]/)
      await expectNothingLeft(node)
    })

    it('a user other than root gets an error', async ({ node, target }) => {
      const ended = await node.run([
        'setpriv',
        '--reuid=65534',
        '--regid=65534',
        '--clear-groups',
        'lunkeeper',
        'attach',
        ...flags(target),
      ])
      expect(ended.stderr).toContain('error[NO_PERMISSION]')
      expect(ended.code).toBe(1)
      await expectNothingLeft(node)
    })

    it('attach fails in bounded time when iscsid is down and nothing starts it', async ({ node, target }) => {
      const pid = (await node.sh('cat /run/iscsid.pid 2>/dev/null || pgrep -x iscsid | head -1')).trim()
      await node.sh('pkill -KILL -x iscsid; sleep 0.2')
      const ended = await lunkeeper(node).fails(['attach', ...flags(target)], 'ISCSID_DOWN')
      expect(ended.ms).toBeLessThan(patient(20_000))
      expect(pid).not.toBe('')
      await node.sh('iscsid')
      await expectNothingLeft(node)
    })
  })
})
