import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { describe, expect, it } from 'vitest'

import type { Finding } from '../../../src/doctor/finding.ts'
import { removeUnownedMap, restrict, unprotect } from '../../../src/doctor/repair/acts.ts'
import type { DiskUse } from '../../../src/doctor/repair/disk-use.ts'
import { readDiskUse, whyKept } from '../../../src/doctor/repair/disk-use.ts'
import { planRepairs, REPAIRABLE } from '../../../src/doctor/repair/plan.ts'
import { removePhantoms } from '../../../src/doctor/repair/remove-disks.ts'
import { repair } from '../../../src/doctor/repair/repair.ts'
import { expectedDisks } from '../../../src/host/read/disk-use.ts'
import { withLock } from '../../../src/host/lock/lock.ts'
import { volumeLock } from '../../../src/state/records/locks.ts'
import { holdMapName } from '../../../src/host/map/hold-map.ts'
import type { SessionStatus } from '../../../src/model/attachment.ts'
import { parseIqn } from '../../../src/model/iqn.ts'
import { parseLun } from '../../../src/model/lun.ts'
import type { ScsiDisk } from '../../../src/model/snapshot.ts'
import { parseWwid } from '../../../src/model/wwid.ts'
import { readHistory } from '../../../src/state/records/history.ts'
import { fakeNode, NAME, staged } from '../kubernetes/node.ts'

const IQN = staged.request.iqn

const finding = (code: Finding['code'], more: Partial<Finding> = {}): Finding => ({
  code,
  severity: 'warning',
  subject: 'db',
  message: 'm',
  evidence: {},
  fix: null,
  ...more,
})

const session = (owners: readonly string[]): SessionStatus => ({
  sid: 3,
  iqn: IQN,
  portal: '10.0.0.5:3260',
  state: 'LOGGED_IN',
  recoveryTmo: 0,
  scan: 'auto',
  disks: owners.map((owner, lun) => ({
    hctl: `3:0:0:${lun}`,
    lun,
    disk: owner === 'nameless' ? null : `sd${lun}`,
    state: 'running',
    owner: owner === 'nameless' ? 'phantom' : owner,
  })),
})

describe('the plan', () => {
  const facts = { sessions: [session(['db', 'phantom', 'foreign', 'phantom', 'nameless'])] }
  const phantoms = finding('PHANTOMS', { subject: 'session 3', evidence: { session: 3 } })

  it.for<[string, Finding, string | null, string | null]>([
    [
      'a detach that was interrupted',
      finding('INTERRUPTED', { evidence: { phase: 'detaching' } }),
      'detach',
      'detach',
    ],
    [
      'an attach that was interrupted',
      finding('INTERRUPTED', { evidence: { phase: 'attaching' } }),
      null,
      'detach',
    ],
    ['a raised limit', finding('LIMIT_RAISED', { evidence: { was: 20 } }), 'restore-limit', 'restore-limit'],
    ['a short hold', finding('HOLD_SHORT', { evidence: { wanted: 600 } }), 'set-hold', 'set-hold'],
    ['phantoms beside a volume', phantoms, 'remove-disks', 'remove-disks'],
    ['phantoms of another target', { ...phantoms, severity: 'info' }, null, 'remove-disks'],
    ['a map', finding('MAP_UNOWNED', { evidence: { device: 'dm-3' } }), 'remove-map', 'remove-map'],
    ['a directory', finding('DIRECTORY_LEFT'), 'unprotect', 'unprotect'],
    ['a node record', finding('RECORD_STALE', { evidence: {} }), 'remove-node-record', 'remove-node-record'],
    ['a session', finding('SESSION_UNUSED', { evidence: { session: 3 } }), null, 'logout'],
    ['a secret', finding('SECRET_READABLE'), null, 'restrict'],
    ['a LUN that grew', finding('STALE_SIZE'), null, 'expand'],
    ['a LUN that shrank', finding('STALE_SIZE', { severity: 'critical' }), null, null],
    ['iscsid', finding('ISCSID_DOWN'), null, 'start'],
    ['another volume', finding('WRONG_VOLUME'), null, null],
    ['a broken file system', finding('FS_BROKEN'), null, null],
    ['another node has it', finding('FENCED'), null, null],
  ])('%s', ([, one, safe, named]) => {
    const kinds = (code: Finding['code'] | null) => planRepairs([one], facts, code).map(({ kind }) => kind)
    expect(kinds(null)).toEqual(safe === null ? [] : [safe])
    expect(kinds(one.code)).toEqual(named === null ? [] : [named])
  })

  it('only phantoms with a name are removed, and the steps keep the order of the findings', () => {
    const [step, next] = planRepairs(
      [phantoms, finding('HOLD_SHORT', { evidence: { wanted: 'forever' } })],
      facts,
      null,
    )
    expect(step).toMatchObject({ iqn: IQN, session: 3, disks: [{ disk: 'sd1', lun: 1 }, { disk: 'sd3' }] })
    expect(next).toMatchObject({ kind: 'set-hold' })
  })

  it('a code that is named is the only one that is repaired', () => {
    const all = [phantoms, finding('HOLD_SHORT', { evidence: { wanted: 1 } })]
    expect(planRepairs(all, facts, 'HOLD_SHORT').map(({ code }) => code)).toEqual(['HOLD_SHORT'])
    expect(REPAIRABLE).toContain('PHANTOMS')
    expect(REPAIRABLE).not.toContain('WRONG_VOLUME')
  })
})

describe('a disk stays', () => {
  const unused: DiskUse = {
    state: 'running',
    holders: [],
    mounts: [],
    hasLiveFs: false,
    kernel: null,
    table: null,
    volume: null,
    isRecordUnread: false,
  }
  it.for<[Partial<DiskUse>, string | null]>([
    [{}, null],
    [{ holders: ['dm-0'] }, 'it is used by dm-0'],
    [{ mounts: ['/srv'] }, 'mounted at /srv'],
    [{ hasLiveFs: true }, 'alive in the kernel'],
    [{ kernel: 'a loop device uses it' }, 'loop'],
    [{ table: '/etc/fstab' }, '/etc/fstab names it'],
    [{ volume: 'db' }, 'the volume db'],
    [{ isRecordUnread: true }, 'a record cannot be read'],
    [{ state: 'blocked' }, 'it is blocked'],
    [{ state: 'transport-offline' }, 'it is transport-offline'],
  ])('%j', ([change, expected]) => {
    const why = whyKept({ ...unused, ...change })
    if (expected === null) expect(why).toBeNull()
    else expect(why).toContain(expected)
  })

  const wwid = parseWwid('naa.600140500000000000000000000000aa')
  const disk = (lun: number, more: Partial<ScsiDisk> = {}): ScsiDisk => ({
    hctl: { host: 2, channel: 0, target: 0, lun: parseLun(lun) },
    sid: 1,
    name: 'sdb',
    devno: '8:16',
    state: 'running',
    bytes: 1,
    cached: { wwid: null, serial: null },
    holders: [],
    partitions: [{ name: 'sdb1', devno: '8:17' }],
    sg: null,
    readOnly: false,
    ...more,
  })

  it('whose record is for its LUN, for its LUN before it moved, or for its identity at another target', () => {
    const node = fakeNode()
    const volumeOf = (iqn: string, one: ScsiDisk) =>
      readDiskUse(node.host, { iqn: parseIqn(iqn) }, one, new Map()).volume
    node.record({ ...staged, askedLun: parseLun(9), identity: { wwid, serial: null, bytes: 1 } })
    expect(volumeOf(IQN, disk(0))).toBe(NAME)
    expect(volumeOf(IQN, disk(9))).toBe(NAME)
    expect(volumeOf(IQN, disk(5))).toBeNull()
    expect(volumeOf('iqn.2003-01.org.example:other', disk(0))).toBeNull()
    expect(volumeOf('iqn.2003-01.org.example:other', disk(0, { cached: { wwid, serial: null } }))).toBe(NAME)
  })

  it('with a partition that is mounted, alive, or written into a table by any of its names', () => {
    const node = fakeNode()
    const use = () => readDiskUse(node.host, { iqn: IQN }, disk(5), expectedDisks(node.host.paths))
    expect(whyKept(use())).toBeNull()
    node.mounts('8:17 / /srv rw - ext4 /dev/sdb1 rw')
    expect(use().mounts).toEqual(['/srv'])
    node.mounts()
    mkdirSync(join(node.host.paths.sys, 'fs/xfs/sdb1'), { recursive: true })
    expect(use().hasLiveFs).toBe(true)
    const links = join(node.host.paths.dev, 'disk/by-uuid')
    mkdirSync(links, { recursive: true })
    symlinkSync('../../sdb1', join(links, 'ab-cd'))
    node.file('etc/fstab', '# UUID=ab-cd /x ext4\nUUID=ff /y ext4\n')
    expect(use().table).toBeNull()
    node.file('etc/fstab', 'UUID=ab-cd /x ext4 noauto 0 0\n')
    expect(use().table).toBe('/etc/fstab')
    node.file('etc/fstab', '')
    node.file('etc/crypttab', 'secret /dev/sdb none\n')
    expect(use().table).toBe('/etc/crypttab')
  })

  it('if a loop device or an NVMe target has a disk that cannot be told', () => {
    const node = fakeNode()
    node.file('sys/block/loop0/loop/backing_file', '/srv/image\n')
    expect(readDiskUse(node.host, { iqn: IQN }, disk(5), new Map()).kernel).toBeNull()
    node.file('sys/block/loop0/loop/backing_file', '/host/dev/sdb\n')
    expect(readDiskUse(node.host, { iqn: IQN }, disk(5), new Map()).kernel).toContain('/host/dev/sdb')
    node.file('sys/block/loop0/loop/backing_file', '/srv/image\n')
    node.file('sys/kernel/config/nvmet/subsystems/x/namespaces/1/device_path', '/dev/disk/by-id/gone\n')
    expect(readDiskUse(node.host, { iqn: IQN }, disk(5), new Map()).kernel).toContain('/dev/disk/by-id/gone')
  })
})

describe('acts look again', () => {
  it('a disk that is gone, or belongs to another session by now, is not a failure; a disk in use stays', async () => {
    const node = fakeNode()
    const planned = { hctl: '2:0:0:7', lun: 7, disk: 'sdx' }
    expect(await removePhantoms(node.host, 99, IQN, [planned])).toEqual({ removed: 1, kept: [] })
    const other = await removePhantoms(node.host, 1, 'iqn.2003-01.org.example:other', [planned])
    expect(other).toEqual({ removed: 1, kept: [] })
    node.file('sys/devices/platform/host2/session1/target2:0:0/2:0:0:7/state', 'running\n')
    node.file('sys/devices/platform/host2/session1/target2:0:0/2:0:0:7/block/sdx/dev', '8:32\n')
    node.file('sys/devices/platform/host2/session1/target2:0:0/2:0:0:7/block/sdx/holders/dm-9', '')
    const kept = await removePhantoms(node.host, 1, IQN, [planned, { ...planned, disk: 'sdold' }])
    expect(kept).toEqual({ removed: 1, kept: ['sdx: it is used by dm-9'] })
  })

  it('an unused disk that does not answer stays, and so does one whose operation is at work', async () => {
    const node = fakeNode()
    const device = 'sys/devices/platform/host2/session1/target2:0:0/2:0:0:7'
    node.file(`${device}/state`, 'running\n')
    node.file(`${device}/block/sdx/dev`, '8:32\n')
    node.file('dev/sdx', '')
    node.file('sys/class/scsi_device/2:0:0:7/device/delete', '')
    const deleted = () =>
      readFileSync(join(node.host.paths.sys, 'class/scsi_device/2:0:0:7/device/delete'), 'utf8')
    const planned = { hctl: '2:0:0:7', lun: 7, disk: 'sdx' }
    const steps: string[] = []
    const observer = {
      begin: (_: string, step: string, subject: string) => void steps.push(`${step} ${subject}`),
    }
    const attaching = volumeLock(node.host, { iqn: IQN, lun: parseLun(7) }, 'attach')
    const busy = await withLock(...attaching, () =>
      removePhantoms(node.host, 1, IQN, [planned], { observer }),
    )
    expect(busy).toEqual({ removed: 0, kept: ['sdx: an operation on this LUN is in progress'] })
    expect([deleted(), steps]).toEqual(['', []])
    // test/kernel/doctor-fix.test.ts removes one that answers.
    expect(await removePhantoms(node.host, 1, IQN, [planned], { observer })).toEqual({
      removed: 0,
      kept: [expect.stringContaining('sdx: it could not be written out')],
    })
    expect([deleted(), steps]).toEqual(['', []])
  })

  it('a map that has a record, or a mount, stays', async () => {
    const node = fakeNode()
    const step = {
      kind: 'remove-map',
      code: 'MAP_UNOWNED',
      subject: 'm',
      action: 'a',
      map: holdMapName(NAME),
      device: 'dm-0',
    } as const
    node.mounts('253:0 / /srv rw - ext4 /dev/dm-0 rw')
    await expect(removeUnownedMap(node.host, step)).rejects.toMatchObject({ code: 'BUSY' })
    node.mounts()
    node.record(staged)
    await expect(removeUnownedMap(node.host, step)).rejects.toMatchObject({ code: 'CONFLICT' })
    await removeUnownedMap(node.host, { ...step, device: 'dm-7' })
  })

  it('a directory that is a mount point again stays', async () => {
    const node = fakeNode()
    const step = {
      kind: 'unprotect',
      code: 'DIRECTORY_LEFT',
      subject: '/m',
      action: 'a',
      directory: '/m',
    } as const
    node.record({ ...staged, request: { ...staged.request, use: { ...staged.request.use, mount: '/m' } } })
    await expect(unprotect(node.host, step)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('a secret is restricted once, and nothing else is changed', () => {
    const node = fakeNode()
    const path = join(node.host.paths.root, 'etc/iscsi/iscsid.conf')
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, 'node.session.auth.password = x\n')
    chmodSync(path, 0o644)
    const step = { kind: 'restrict', code: 'SECRET_READABLE', subject: path, action: 'a', path } as const
    restrict(node.host, { ...step, path: '/etc/passwd' })
    restrict(node.host, step)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })
})

it('a repair that fails keeps no other from being made, and both are in the history', async () => {
  const node = fakeNode()
  const found = [
    finding('HOLD_SHORT', { subject: 'nothing', evidence: { wanted: 600 } }),
    finding('MAP_UNOWNED', { subject: 'gone', evidence: { device: 'dm-9' } }),
  ]
  const repairs = await repair(node.host, found, { dryRun: false })
  expect(repairs).toMatchObject([
    { code: 'HOLD_SHORT', done: false, error: expect.stringContaining('nothing') },
    { code: 'MAP_UNOWNED', done: true, error: null },
  ])
  await node.host.history.settle(10_000)
  expect(readHistory(node.host).events).toMatchObject([
    { event: 'repaired', code: 'HOLD_SHORT', volume: 'nothing', by: { via: 'library' } },
    { event: 'repaired', code: 'MAP_UNOWNED', error: null },
  ])
  expect(await repair(node.host, found, { dryRun: true })).toMatchObject([{ done: false, error: null }, {}])
})
