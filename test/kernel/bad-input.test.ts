import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import type { DetachReport } from '../../src/model/attachment.ts'
import { expectNothingLeft, lunkeeper, remains } from './node.ts'

const MIB = 1 << 20

describe('bad input is an error with a hint, changes nothing and loses nothing', () => {
  let lab: Lab
  let node: LabNode
  let iqn: string
  let target: Awaited<ReturnType<LabNode['lio']['target']>>

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot()
  })
  afterAll(() => lab?.close())
  afterEach(() => node.reset())

  async function oneLun(serial = '1111'): Promise<void> {
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    iqn = target.iqn
    await target.map(1, { serial, bytes: 64 * MIB })
  }

  const valid = () => ({ '--portal': '127.0.0.1', '--iqn': iqn, '--lun': '1' })
  const flags = (changed: Record<string, string> = {}) => Object.entries({ ...valid(), ...changed }).flat()

  describe('malformed', () => {
    it.each([
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
    ])('%s: %j', async (code, changed) => {
      await oneLun()
      await lunkeeper(node).fails(['attach', ...flags(changed)], code, 2)
      await expectNothingLeft(node)
    })

    it.each([
      ['a file system without a mount point', ['--fs', 'xfs']],
      ['formatting without a mount point', ['--format']],
      ['formatting a read-only volume', ['--mount', '/mnt/v', '--format', '--read-only']],
    ])('parts that contradict each other: %s', async (_, extra) => {
      await oneLun()
      await lunkeeper(node).fails(['attach', ...flags(), ...extra], 'BAD_REQUEST', 2)
      await expectNothingLeft(node)
    })
  })

  describe('portals', () => {
    it('one that refuses', async () => {
      await oneLun()
      const ended = await lunkeeper(node).fails(
        ['attach', ...flags({ '--portal': '127.0.0.1:3999' })],
        'PORTAL_REFUSED',
      )
      expect(ended.ms).toBeLessThan(10_000)
      await expectNothingLeft(node)
    })

    it('one that nobody answers at', async () => {
      await oneLun()
      // A network card with nothing behind it: packets go out, and nobody answers.
      await node.sh(
        'ip link add nowhere type dummy; ip addr add 10.97.0.1/24 dev nowhere; ip link set nowhere up',
      )
      const ended = await lunkeeper(node).run(['attach', ...flags({ '--portal': '10.97.0.9' })])
      expect(ended.code).toBe(1)
      expect(ended.stderr).toMatch(/error\[PORTAL_(SILENT|UNREACHABLE)\]/)
      expect(ended.ms).toBeLessThan(15_000)
      await expectNothingLeft(node)
    })

    it('a name that does not resolve', async () => {
      await oneLun()
      await lunkeeper(node).fails(['attach', ...flags({ '--portal': 'san.invalid' })], 'PORTAL_UNREACHABLE')
      await expectNothingLeft(node)
    })

    it('a target that the portal does not have', async () => {
      await oneLun()
      await lunkeeper(node).fails(
        ['attach', ...flags({ '--iqn': 'iqn.2026-01.example:nobody' })],
        'TARGET_NOT_FOUND',
      )
      await expectNothingLeft(node)
    })
  })

  describe('identity', () => {
    it.each([
      ['--serial', '2222'],
      ['--wwid', 'naa.60014050000000000000000000000000'],
    ])('another %s than the volume has', async (flag, value) => {
      await oneLun()
      const before = await target.hash(1)
      await lunkeeper(node).fails(
        ['attach', ...flags(), flag, value, '--mount', '/mnt/v', '--format'],
        'IDENTITY_MISMATCH',
      )
      expect(await target.hash(1)).toBe(before)
      await expectNothingLeft(node)
    })

    it('first use is trusted, and insisted on from then on', async () => {
      await oneLun('1111')
      const keeper = lunkeeper(node)
      const volume = await keeper.attach(flags())
      await target.unmap(1)
      await target.map(1, { serial: '2222', bytes: 64 * MIB })
      await keeper.fails(['attach', ...flags()], 'IDENTITY_MISMATCH')
      await target.unmap(1)
      await target.map(1, { serial: '1111', bytes: 64 * MIB })
      expect((await keeper.attach(flags())).device).toBe(volume.device)
      await keeper.detach(volume.name)
      await expectNothingLeft(node)
    })
  })

  describe('content', () => {
    it.each([
      ['its first byte', 'dd if=/dev/zero bs=1 count=1 | tr "\\0" x | dd of=$1 conv=notrunc bs=1'],
      ['its last byte', 'size=$(stat -c %s $1); printf x | dd of=$1 conv=notrunc bs=1 seek=$((size - 1))'],
      ['a file system', 'mkfs.xfs -q -f $1 2>/dev/null || mkfs.ext4 -q $1'],
      [
        'a partition table',
        "printf '\\000\\000\\002\\000\\203\\377\\377\\377\\000\\010\\000\\000\\000\\360\\001\\000' | dd of=$1 conv=notrunc bs=1 seek=446; printf '\\125\\252' | dd of=$1 conv=notrunc bs=1 seek=510",
      ],
    ])('not blank by %s: never formatted', async (_, spoil) => {
      await oneLun()
      const file = await backing()
      await node.ok(['sh', '-ec', spoil, 'sh', file])
      const before = await target.hash(1)
      await lunkeeper(node).fails(['attach', ...flags(), '--mount', '/mnt/v', '--format'], 'NOT_BLANK')
      expect(await target.hash(1)).toBe(before)
      await expectNothingLeft(node)
    })

    it('blank, and no --format: refused, and still blank', async () => {
      await oneLun()
      const before = await target.hash(1)
      await lunkeeper(node).fails(['attach', ...flags(), '--mount', '/mnt/v'], 'NO_FILESYSTEM')
      expect(await target.hash(1)).toBe(before)
      await expectNothingLeft(node)
    })

    it('another file system than asked for', async () => {
      await oneLun()
      await node.ok(['mkfs.ext4', '-q', await backing()])
      await lunkeeper(node).fails(['attach', ...flags(), '--mount', '/mnt/v', '--fs', 'xfs'], 'FS_MISMATCH')
      await expectNothingLeft(node)
    })

    it('a mount point with something in it', async () => {
      await oneLun()
      await node.ok(['mkfs.ext4', '-q', await backing()])
      await node.sh('mkdir -p /mnt/v && echo precious > /mnt/v/file')
      await lunkeeper(node).fails(['attach', ...flags(), '--mount', '/mnt/v'], 'BAD_MOUNT', 2)
      expect(await node.sh('cat /mnt/v/file')).toContain('precious')
      await node.sh('rm -r /mnt/v')
      await expectNothingLeft(node)
    })

    async function backing(): Promise<string> {
      const files = await node.sh(
        'cat /sys/kernel/config/target/core/fileio_*/*/info | grep -o "File: [^ ]*" | cut -d" " -f2',
      )
      return files.trim().split('\n')[0]!
    }
  })

  describe('requests that contradict what is attached', () => {
    it('another name, mount point, mode or owner of the name: refused, and the attachment stays as it is', async () => {
      await oneLun()
      await target.map(2, { serial: '2222', bytes: 64 * MIB })
      const keeper = lunkeeper(node)
      await keeper.attach([...flags(), '--name', 'v', '--mount', '/mnt/v', '--format'])
      const before = await remains(node)
      const second = ['--portal', '127.0.0.1', '--iqn', iqn, '--lun', '2']
      for (const request of [
        [...flags(), '--mount', '/mnt/w'],
        flags(),
        [...flags(), '--mount', '/mnt/v', '--read-only'],
        [...flags(), '--mount', '/mnt/v', '--fs', 'xfs'],
        [...second, '--name', 'v'],
        [...second, '--mount', '/mnt/v', '--format'],
      ])
        await keeper.fails(['attach', ...request], 'CONFLICT')
      const renamed = ['attach', ...flags(), '--name', 'w', '--mount', '/mnt/v']
      await keeper.fails(renamed, 'ATTACHED_ALREADY')
      expect(await remains(node)).toEqual(before)
      await keeper.detach('v')
    })
  })

  describe('a node that is not fit', () => {
    it('no space for the record: nothing is begun', async () => {
      await oneLun()
      await node.sh(
        'mkdir -p /var/lib/lunkeeper && mount -t tmpfs -o size=4k tmpfs /var/lib/lunkeeper && cat /dev/zero > /var/lib/lunkeeper/full 2>/dev/null || true',
      )
      await lunkeeper(node).fails(['attach', ...flags()], 'NO_SPACE')
      await node.sh('umount /var/lib/lunkeeper')
      await expectNothingLeft(node)
    })

    it('corrupt and half-written records hinder no other volume, and are not guessed from', async () => {
      await oneLun()
      const keeper = lunkeeper(node)
      const volume = await keeper.attach([...flags(), '--name', 'good'])
      await node.write('/var/lib/lunkeeper/volumes/half.json', '{ "version": 1, "name": "ha')
      await node.write('/var/lib/lunkeeper/volumes/newer.json', '{ "version": 99 }')
      const listed = await keeper.run(['volumes'])
      expect(listed.code).toBe(0)
      expect(JSON.parse(listed.stdout)).toMatchObject([{ name: 'good' }])
      expect(listed.stderr).toContain('half.json')
      await keeper.fails(['detach', 'half'], 'RECORD_CORRUPT')
      await keeper.fails(['attach', ...flags({ '--lun': '1' }), '--name', 'half'], 'CONFLICT')
      await keeper.detach(volume.name)
      await node.sh('rm /var/lib/lunkeeper/volumes/*.json')
      await expectNothingLeft(node)
    })

    it('the record of an attached volume is lost or corrupt: it is detached by mount point and by device', async () => {
      await oneLun()
      const keeper = lunkeeper(node)
      await keeper.attach([...flags(), '--name', 'v', '--mount', '/mnt/v', '--format'])
      await node.sh('echo data > /mnt/v/file; rm /var/lib/lunkeeper/volumes/v.json')
      const ended = await keeper.run(['detach', '/mnt/v'])
      // Who made it so stood in the record.
      expect(ended.stderr).toContain('chattr -i /mnt/v')
      const report = JSON.parse(ended.stdout) as DetachReport
      expect(report.removed).toMatchObject({
        mounts: ['/mnt/v'],
        disks: [expect.any(String)],
        sessions: [expect.any(Number)],
      })
      await node.sh('chattr -i /mnt/v; rmdir /mnt/v')
      await expectNothingLeft(node)
      const raw = await keeper.attach([...flags(), '--name', 'v'])
      await node.write('/var/lib/lunkeeper/volumes/v.json', 'garbage')
      await keeper.detach(raw.device!)
      await node.sh('rm /var/lib/lunkeeper/volumes/v.json')
      await expectNothingLeft(node)
    })

    it('a program that is missing', async () => {
      await oneLun()
      await node.sh('mount --bind /dev/null /usr/sbin/mkfs.xfs')
      const ended = await lunkeeper(node).run([
        'attach',
        ...flags(),
        '--mount',
        '/mnt/v',
        '--fs',
        'xfs',
        '--format',
      ])
      await node.sh('umount /usr/sbin/mkfs.xfs')
      expect(ended.code).toBe(1)
      expect(ended.stderr).toMatch(/error\[(PROGRAM_MISSING|NO_PERMISSION)\]/)
      await expectNothingLeft(node)
    })

    it('no root', async () => {
      await oneLun()
      const ended = await node.run([
        'setpriv',
        '--reuid=65534',
        '--regid=65534',
        '--clear-groups',
        'lunkeeper',
        'attach',
        ...flags(),
      ])
      expect(ended.stderr).toContain('error[NO_PERMISSION]')
      expect(ended.code).toBe(1)
      await expectNothingLeft(node)
    })

    it('iscsid is down and nobody starts it', async () => {
      await oneLun()
      const pid = (await node.sh('cat /run/iscsid.pid 2>/dev/null || pgrep -x iscsid | head -1')).trim()
      await node.sh('pkill -KILL -x iscsid; sleep 0.2')
      const ended = await lunkeeper(node).fails(['attach', ...flags()], 'ISCSID_DOWN')
      expect(ended.ms).toBeLessThan(20_000)
      expect(pid).not.toBe('')
      await node.sh('iscsid')
      await expectNothingLeft(node)
    })
  })
})
