import { afterEach, describe, expect } from 'vitest'

import type { BootOptions, LabNode, Target } from '../../lab/index.ts'
import type { Diagnosis } from '../../src/doctor/finding.ts'
import type { NodeFixtures } from './fixtures.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'
import { expectCleanDetach } from './volume.ts'
import { expectNoError, Writer } from './writer.ts'

const PORTAL = '10.9.0.1'
const BYTES = 128 << 20

/** A machine with what an administrator puts on disks, and its own target. */
function withStacks(options: BootOptions) {
  const it = onNode({
    memory: 640,
    address: PORTAL,
    packages: ['lvm2', 'mdadm', 'cryptsetup-bin', 'fdisk'],
    ...options,
    prepare: (node) => node.sh(options.systemd ? 'systemctl is-system-running --wait || :' : ':'),
    target: { portals: [`${PORTAL}:3260`] },
    luns: [{ lun: 0, serial: 'aaaa0', bytes: BYTES, name: 'first' }],
    agent: true,
    volume: { lun: 0, portals: [PORTAL] },
  })
  afterEach<NodeFixtures>(({ node }) =>
    node.run(['sh', '-c', 'mdadm --stop --scan; rm -rf /run/lvm/pvs_online/* /run/lvm/vgs_online/*']),
  )
  return it
}

/** A session like an administrator's, with the disk of LUN 0. @returns its name */
async function bareDisk(node: LabNode, { iqn }: Target): Promise<string> {
  await node.sh(
    `iscsiadm -m node -T ${iqn} -p ${PORTAL}:3260 -o new -n node.session.scan -v manual > /dev/null; iscsiadm -m node -T ${iqn} -p ${PORTAL}:3260 -l > /dev/null`,
  )
  await node.sh(
    'for host in /sys/class/iscsi_host/*; do echo 0 0 0 > /sys/class/scsi_host/${host##*/}/scan; done',
  )
  await node.until(() => node.exists('/dev/sda'), { what: 'the disk' })
  return 'sda'
}

async function noSession(node: LabNode): Promise<void> {
  await node.sh('iscsiadm -m session -u > /dev/null; iscsiadm -m node -o delete')
}

/** What an earlier machine left on the LUN: a volume group with one logical volume that contains an ext4. */
async function makeVolumeGroup(node: LabNode, target: Target): Promise<void> {
  const disk = await bareDisk(node, target)
  await node.sh(
    `pvcreate -q /dev/${disk} && vgcreate -q vg /dev/${disk} && lvcreate -q -y -l 90%FREE -n data-1 vg && mkfs.ext4 -q /dev/vg/data-1 && vgchange -q -an vg`,
  )
  await noSession(node)
  await node.sh('rm -rf /run/lvm/pvs_online/* /run/lvm/vgs_online/*')
}

/** Names of the block devices beneath a map with this name. */
async function below(node: LabNode, map: string): Promise<string> {
  return node.sh(
    `for map in /sys/block/dm-*; do [ "$(cat $map/dm/name)" != ${map} ] || for one in $map/slaves/*; do cat $one/dm/name 2>/dev/null || echo \${one##*/}; done; done`,
  )
}

const isActive = (node: LabNode) =>
  node.until(
    async () => (await node.sh('cat /sys/block/dm-*/dm/name 2>/dev/null || :')).includes('vg-data--1'),
    {
      deadline: 60_000,
      what: 'the logical volume',
    },
  )
const timers = (node: LabNode) => node.sh('cat /sys/class/iscsi_session/*/recovery_tmo')
const holdersOf = (node: LabNode, disk: string) =>
  node.sh(`for one in /sys/block/${disk}/holders/*; do cat $one/dm/name; done`)

describe.each(kernels('bookworm'))(
  'a volume group on a volume is respected, with systemd and lvm2 (%s)',
  (debian) => {
    const it = withStacks({ debian, systemd: true })

    it('a volume group is activated on the hold map alone, survives outages, and is named by detach', async ({
      node,
      target,
      agent,
      volume,
    }) => {
      await makeVolumeGroup(node, target)
      await volume.attach('--hold', '60s')
      await isActive(node)
      expect(await below(node, 'vg-data--1')).toBe('lunkeeper-db')
      expect(await holdersOf(node, 'sda')).toBe('lunkeeper-db')
      await node.until(async () => (await timers(node)) === '0', { what: 'the short timer' })
      await node.until(() => node.exists('/dev/vg/data-1'), { what: 'its name' })
      await node.sh('mkdir /mnt/data && mount /dev/vg/data-1 /mnt/data')
      const writer = await Writer.start(node, '/mnt/data/file')
      await target.disable()
      await agent.errors(/all paths lost/)
      await target.enable()
      await writer.resumes(30_000)
      // The disk of the next session is new to udev.
      await node.sh('iscsiadm -m session -u > /dev/null')
      await writer.resumes(60_000, 10)
      expect(writer.errors).toBe(0)
      expect(await below(node, 'vg-data--1')).toBe('lunkeeper-db')
      expect(await holdersOf(node, (await volume.status()).paths[0]!.disk!)).toBe('lunkeeper-db')

      const before = await node.storage()
      const refused = await lunkeeper(node).fails(['detach', 'db'], 'BUSY')
      expect(refused.stderr).toMatch(/logical volume vg\/data-1 \(dm-\d+\), mounted at \/mnt\/data/)
      expect(refused.stderr).toContain('vgchange -an vg')
      expect(await node.storage()).toMatchObject({
        maps: before.maps,
        mounts: before.mounts,
        disks: before.disks,
      })
      expect((await volume.status()).state).toBe('ready')
      await writer.stop()
      await node.sh('umount /mnt/data && rmdir /mnt/data && vgchange -q -an vg')
      await expectCleanDetach(volume)

      // An earlier number of the map, or of a disk, is not an obstacle.
      await volume.attach('--hold', '60s')
      await isActive(node)
      expect(await below(node, 'vg-data--1')).toBe('lunkeeper-db')
      await node.sh('mkdir /mnt/data && mount /dev/vg/data-1 /mnt/data')
      const forced = await volume.detach('--force')
      expect(forced.removed.mounts).toEqual(['/mnt/data'])
      expect(forced.removed.maps).toEqual(['vg-data--1', 'lunkeeper-db'])
      await node.sh('rmdir /mnt/data')
      await expectNothingLeft(node)
    })

    it('a volume group that is active on the bare disk keeps its session, and attach names it and changes nothing', async ({
      node,
      target,
      volume,
    }) => {
      await makeVolumeGroup(node, target)
      await bareDisk(node, target)
      await isActive(node)
      await node.until(() => node.exists('/dev/vg/data-1'), { what: 'its name' })
      const before = await node.storage()
      const timer = await timers(node)
      for (const mode of ['auto', 'map', 'session']) {
        const refused = await volume.refused('BUSY', '--hold', '60s', '--hold-mode', mode)
        expect(refused.stderr, mode).toMatch(/logical volume vg\/data-1 \(dm-\d+\)/)
      }
      expect(Number(await timers(node))).toBeGreaterThanOrEqual(Number(timer))
      expect(await node.storage()).toMatchObject({ maps: before.maps, disks: before.disks })
      const writer = await Writer.start(node, '/dev/vg/data-1')
      await target.disable()
      await node.sh('sleep 2')
      await target.enable()
      await writer.resumes(60_000, 10)
      await expectNoError(writer)
      // Once it is inactive, the disk can be taken over, and LVM no longer finds it.
      await node.sh('vgchange -q -an vg')
      await volume.attach('--hold', '60s')
      expect(await holdersOf(node, 'sda')).toBe('lunkeeper-db')
      await node.until(
        async () =>
          (await node.sh('udevadm info --query=property /dev/sda')).includes('DM_MULTIPATH_DEVICE_PATH=1'),
        { what: 'what udev says of the disk' },
      )
      await volume.detach()
      await noSession(node)
      await expectNothingLeft(node)
    })

    it('LVM sees one device where lvm.conf has it ask udev', async ({ node, target, volume }) => {
      await makeVolumeGroup(node, target)
      await volume.attach('--hold', '60s')
      await isActive(node)
      await node.mkdir('/etc/lvm')
      await node.write('/etc/lvm/lvm.conf', 'devices { external_device_info_source = "udev" }\n')
      const { stdout, stderr } = await node.run(['pvs', '--noheadings', '-o', 'pv_name'])
      expect([stdout.trim(), stderr]).toEqual(['/dev/mapper/lunkeeper-db', ''])
      await node.sh('lvcreate -q -y -l 1 -n more vg && vgchange -q -an vg && vgchange -q -ay vg')
      expect(await below(node, 'vg-more')).toBe('lunkeeper-db')
      await node.sh('vgchange -q -an vg')
      await node.remove('/etc/lvm/lvm.conf')
      await expectCleanDetach(volume)
    })
  },
)

describe('anything that stands on a volume is respected, without systemd', () => {
  const it = withStacks({ debian: 'trixie' })

  it('a volume group is activated on the hold map alone', async ({ node, target, volume }) => {
    await makeVolumeGroup(node, target)
    await volume.attach('--hold', '60s')
    await isActive(node)
    expect(await below(node, 'vg-data--1')).toBe('lunkeeper-db')
    expect(await holdersOf(node, 'sda')).toBe('lunkeeper-db')
    await node.sh('vgchange -q -an vg')
    await expectCleanDetach(volume)
  })

  const linear = (on: string) => `dmsetup create --noudevsync plain --table "0 8192 linear /dev/${on} 0"`
  it.for([
    ['a device-mapper map', linear('sda'), 'device-mapper map plain (dm-'],
    [
      'a map on a partition',
      `echo ,, | sfdisk -q /dev/sda; until [ -b /dev/sda1 ]; do sleep 0.1; done; ${linear('sda1')}`,
      'device-mapper map plain (dm-',
    ],
    [
      'dm-crypt',
      'echo secret | cryptsetup open --type plain --cipher aes-cbc-plain --key-size 256 --hash sha256 /dev/sda secret',
      'dm-crypt device secret (dm-',
    ],
    [
      'an MD array',
      'mdadm --create /dev/md7 --run --level=1 --raid-devices=2 /dev/sda missing',
      'MD array md7',
    ],
  ] as const)(
    '%s on the bare disk is named by attach, which makes no map',
    async ([, make, named], { node, target, volume }) => {
      await bareDisk(node, target)
      await node.sh(make)
      const before = await node.storage()
      const timer = await timers(node)
      for (const mode of ['auto', 'session']) {
        const refused = await volume.refused('BUSY', '--hold', '60s', '--hold-mode', mode)
        expect(refused.stderr, mode).toContain(named)
      }
      expect(Number(await timers(node))).toBeGreaterThanOrEqual(Number(timer))
      expect(await node.storage()).toMatchObject({ maps: before.maps, disks: before.disks })
      expect(await lunkeeper(node).volumes()).toEqual([])
    },
  )

  it('a map that was put beside the hold map by hand is reported, and its session waits', async ({
    node,
    agent,
    volume,
  }) => {
    await volume.attach('--hold', '60s')
    await node.until(async () => (await timers(node)) === '0', { what: 'the short timer' })
    await node.sh(linear('sda'))
    const found = await node.run(['lunkeeper', 'doctor', '--json'])
    expect(found.code).toBe(3)
    expect((JSON.parse(found.stdout) as Diagnosis).findings).toContainEqual(
      expect.objectContaining({
        code: 'HELD_BESIDE',
        severity: 'critical',
        subject: 'lunkeeper-db',
        message: expect.stringMatching(/^device-mapper map plain \(dm-\d\) is on sda/),
      }),
    )
    await agent.errors(/device-mapper map plain \(dm-\d\) is on sda, beside the hold map/, 40_000)
    expect(await timers(node)).toBe('60')
    const refused = await lunkeeper(node).fails(['detach', 'db'], 'BUSY')
    expect(refused.stderr).toContain('device-mapper map plain')
    await node.sh('dmsetup remove --noudevsync plain')
    await expectCleanDetach(volume)
  })

  it('multipathd that takes every disk does not take one that is under a hold map', async ({
    node,
    volume,
  }) => {
    await node.write('/etc/multipath.conf', 'defaults {\n find_multipaths greedy\n}\n')
    const multipathd = await node.start(['multipathd', '-d'])
    await node.until(async () => (await node.run(['multipathd', 'show', 'daemon'])).code === 0, {
      what: 'multipathd',
    })
    await volume.attach('--hold', '60s', '--hold-mode', 'map')
    // multipathd knows the disk once it answers for it.
    await node.until(async () => (await node.run(['multipathd', 'add', 'path', 'sda'])).code !== null, {
      what: 'its answer',
    })
    await node.run(['multipathd', 'reconfigure'])
    await node.run(['multipathd', 'show', 'paths'])
    expect(await holdersOf(node, 'sda')).toBe('lunkeeper-db')
    await volume.detach()
    await multipathd.kill('SIGTERM')
    await multipathd.exited
    await node.remove('/etc/multipath.conf')
    await expectNothingLeft(node)
  })
})
