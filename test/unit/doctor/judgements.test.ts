import { describe, expect, it } from 'vitest'

import { judgeScans, scanCauses, scanRemedy } from '../../../src/doctor/checks/auto-scan.ts'
import { judgeClock } from '../../../src/doctor/checks/clock-stepped.ts'
import { leftDirectories } from '../../../src/doctor/checks/directory-left.ts'
import { judgeIdentities } from '../../../src/doctor/checks/duplicate-identity.ts'
import { judgeCaches } from '../../../src/doctor/checks/flush-disabled.ts'
import { judgeInitiators } from '../../../src/doctor/checks/initiator-shared.ts'
import { judgeMissing } from '../../../src/doctor/checks/missing.ts'
import { judgeMultipath } from '../../../src/doctor/checks/multipath-takes.ts'
import { judgePortals } from '../../../src/doctor/checks/one-portal.ts'
import { judgeVersions } from '../../../src/doctor/checks/open-iscsi.ts'
import { judgePhantoms } from '../../../src/doctor/checks/phantoms.ts'
import { judgeNodeRecords } from '../../../src/doctor/checks/record-stale.ts'
import { judgeSecrets } from '../../../src/doctor/checks/secrets.ts'
import { judgeUnused } from '../../../src/doctor/checks/session-unused.ts'
import { judgeSizes } from '../../../src/doctor/checks/stale-size.ts'
import { judgeTimers } from '../../../src/doctor/checks/timers-order.ts'
import { neededPrograms, parseVersion } from '../../../src/doctor/facts.ts'
import type { Finding } from '../../../src/doctor/finding.ts'
import type { Attachment, PathStatus, SessionStatus } from '../../../src/model/attachment.ts'
import type { HistoryEvent } from '../../../src/model/history.ts'
import { parseIqn } from '../../../src/model/iqn.ts'
import { parseLun } from '../../../src/model/lun.ts'
import { parsePortal } from '../../../src/model/portal.ts'
import { parseKey } from '../../../src/model/reservation.ts'
import { parseWwid } from '../../../src/model/wwid.ts'
import { staged } from '../kubernetes/node.ts'

const IQN = staged.request.iqn
const OTHER = parseIqn('iqn.2003-01.org.example:other')

/** `CODE severity` of each finding. */
const told = (findings: readonly Finding[]) => findings.map(({ code, severity }) => `${code} ${severity}`)

describe('STALE_SIZE', () => {
  const disk = (target: number, kernel: number) => ({ disk: 'sda', target, kernel })
  it.for([
    ['as large as it is', [disk(100, 100)], [{ name: 'm', bytes: 100 }], []],
    ['grown', [disk(200, 100)], [], ['STALE_SIZE warning']],
    ['shrunk', [disk(50, 100), disk(100, 100)], [], ['STALE_SIZE critical']],
    ['the map was left behind', [disk(200, 200)], [{ name: 'm', bytes: 100 }], ['STALE_SIZE warning']],
    [
      'a path that tells no size',
      [disk(0, 100), disk(0, 0), disk(100, 100)],
      [{ name: 'm', bytes: 100 }],
      [],
    ],
    [
      'read by the kernel while the LUN did not answer',
      [disk(100, 0), disk(100, 100)],
      [{ name: 'm', bytes: 100 }],
      ['STALE_SIZE warning'],
    ],
    ['nothing answers', [], [{ name: 'm', bytes: 100 }], []],
  ] as const)('%s', ([, disks, maps, expected]) => {
    expect(told(judgeSizes('db', disks, maps))).toEqual(expected)
  })
})

describe('DUPLICATE_IDENTITY', () => {
  const sessions = [
    { sid: 1, iqn: IQN },
    { sid: 2, iqn: OTHER },
    { sid: 3, iqn: IQN },
  ]
  const [a, b] = [
    parseWwid('naa.600140500000000000000000000000aa'),
    parseWwid('naa.600140500000000000000000000000bb'),
  ]
  const disk = (sid: number, lun: number, wwid: typeof a | null, serial: string | null, bytes = 100) => ({
    name: `sd${sid}${lun}`,
    sid,
    bytes,
    cached: { wwid, serial },
    hctl: { host: sid, channel: 0, target: 0, lun: parseLun(lun) },
  })
  const ours = { name: staged.name, request: staged.request, identity: null }

  it('paths of one volume, also through two targets, are one', () => {
    const paths = [disk(1, 0, a, 's'), disk(3, 0, a, 's'), disk(2, 5, a, 's'), disk(2, 6, b, 't')]
    expect(judgeIdentities(paths, sessions, [ours])).toEqual([])
  })

  it('a path that was not rescanned yet, or has no size, is not another volume', () => {
    const paths = [
      disk(1, 0, a, 's', 100),
      disk(3, 0, a, 's', 200),
      disk(2, 5, a, 's', 200),
      disk(2, 6, a, 's', 0),
    ]
    expect(judgeIdentities(paths, sessions, [ours])).toEqual([])
  })

  it('one WWID with two serials, or two sizes, is two volumes', () => {
    expect(told(judgeIdentities([disk(1, 0, a, 'web-1'), disk(2, 5, a, 'eb1')], sessions, [ours]))).toEqual([
      'DUPLICATE_IDENTITY critical',
    ])
    expect(
      told(judgeIdentities([disk(2, 4, a, null, 100), disk(2, 5, a, null, 200)], sessions, [ours])),
    ).toEqual(['DUPLICATE_IDENTITY warning'])
  })

  it('one serial matters where a volume of ours has nothing else', () => {
    const identity = { wwid: null, serial: 'array', bytes: 100 }
    const disks = [disk(1, 0, null, 'array'), disk(2, 5, null, 'array')]
    expect(told(judgeIdentities(disks, sessions, [{ ...ours, identity }]))).toEqual([
      'DUPLICATE_IDENTITY critical',
    ])
    expect(judgeIdentities(disks, sessions, [])).toEqual([])
    expect(judgeIdentities(disks.slice(0, 1), sessions, [{ ...ours, identity }])).toEqual([])
  })
})

describe('sessions', () => {
  const session = (more: Partial<SessionStatus> = {}, owner = 'phantom'): SessionStatus => ({
    sid: 3,
    iqn: OTHER,
    portal: '10.0.0.5:3260',
    state: 'FAILED',
    recoveryTmo: 120,
    scan: 'auto',
    disks: [{ hctl: '3:0:0:1', lun: 1, disk: 'sdb', state: 'running', owner }],
    ...more,
  })
  const ours = new Set<string>([IQN])

  it.for<[string, SessionStatus, string[]]>([
    ['lost, and nothing uses it', session(), ['SESSION_UNUSED warning']],
    ['lost, without a disk', session({ disks: [], state: 'FREE' }), ['SESSION_UNUSED warning']],
    ['logged in', session({ state: 'LOGGED_IN' }), []],
    ['a volume of ours may need it', session({ iqn: IQN }), []],
    ['another program uses a disk of it', session({}, 'foreign'), []],
  ])('SESSION_UNUSED: %s', ([, one, expected]) => {
    expect(told(judgeUnused([one], ours))).toEqual(expected)
  })

  it('PHANTOMS names what made them and how to end it, and is a warning at a target of ours only', () => {
    const rules = ['/usr/lib/udev/rules.d/90-scsi-ua.rules']
    const [finding] = judgePhantoms([session({ iqn: IQN })], ours, 'auto', rules)
    expect(finding).toMatchObject({ severity: 'warning', evidence: { count: 1, scan: 'auto', rules } })
    expect(finding!.message).toMatch(/default of iscsid.conf.*90-scsi-ua.rules/)
    expect(finding!.fix).toContain('ln -s /dev/null /etc/udev/rules.d/90-scsi-ua.rules')
    expect(told(judgePhantoms([session()], ours, 'auto', []))).toEqual(['PHANTOMS info'])
    expect(judgePhantoms([session({ iqn: IQN }, 'db')], ours, 'auto', [])).toEqual([])
    expect(judgePhantoms([session({ scan: 'manual' })], ours, null, [])[0]!.fix).toMatch(
      /lunkeeper sessions shows all/,
    )
  })

  it('a record that differs from iscsid.conf was made by something else', () => {
    expect(scanCauses({ record: 'auto', site: 'manual', rules: [] })).toEqual([
      expect.stringContaining('unlike'),
    ])
    expect(scanCauses({ record: 'manual', site: 'auto', rules: [] })).toEqual([])
    expect(scanRemedy({ record: null, site: null, rules: [] }, IQN)).toEqual([])
  })

  it.for<[string, SessionStatus[], string[], string[]]>([
    ['another target', [session({}, 'foreign')], [], []],
    ['a target of ours, scanned by hand', [session({ iqn: IQN, scan: 'manual' }, 'db')], [], []],
    ['a target of ours', [session({ iqn: IQN }, 'db')], [], ['AUTO_SCAN info']],
    ['phantoms say it themselves', [session({ iqn: IQN })], [], []],
    ['a rule, and a volume', [session({ iqn: IQN, scan: null }, 'db')], ['/r.rules'], ['AUTO_SCAN warning']],
    ['a rule, and no volume', [], ['/r.rules'], ['AUTO_SCAN info']],
  ])('AUTO_SCAN: %s', ([, sessions, rules, expected]) => {
    expect(told(judgeScans(sessions, ours, 'auto', rules))).toEqual(expected)
  })
})

describe('TIMERS_ORDER', () => {
  const timers = (interval: number | null, timeout: number, command: number | null) => [
    { session: 1, interval, timeout, command },
  ]
  const map = { mode: 'map', wanted: 600, login: 15 } as const
  it.for([
    ['as they are shipped', timers(5, 5, 30), map, []],
    ['pinged too late', timers(20, 10, 30), map, ['TIMERS_ORDER warning']],
    ['not pinged', timers(0, 0, 30), map, ['TIMERS_ORDER warning']],
    ['not told', timers(null, 5, 30), map, []],
    [
      'a hold below one login',
      timers(5, 5, 30),
      { mode: 'session', wanted: 10, login: 15 },
      ['TIMERS_ORDER info'],
    ],
    ['no hold at all, as asked for', timers(5, 5, 30), { mode: 'session', wanted: 0, login: 15 }, []],
    ['forever', timers(5, 5, 30), { mode: 'session', wanted: 'forever', login: 15 }, []],
    ['a short hold on a map', timers(5, 5, 30), { ...map, wanted: 5 }, []],
  ] as const)('%s', ([, sessions, hold, expected]) => {
    expect(told(judgeTimers('db', sessions, hold))).toEqual(expected)
  })
})

describe('ONE_PORTAL', () => {
  const path = (portal: string, isUp: boolean): PathStatus => ({
    portal,
    iqn: IQN,
    lun: 0,
    session: 1,
    hctl: null,
    disk: 'sda',
    sessionState: isUp ? 'LOGGED_IN' : 'FAILED',
    diskState: 'running',
    recoveryTmo: 0,
  })
  it.for([
    ['one portal is all it has', [path('10.0.0.5:3260', true)], []],
    ['both', [path('10.0.0.5:3260', true), path('10.0.1.5:3260', true)], []],
    ['one of two', [path('10.0.0.5:3260', true), path('10.0.1.5:3260', false)], ['ONE_PORTAL warning']],
    ['two of three', [path('a:1', true), path('b:1', true), path('c:1', false)], []],
    ['none: another finding', [path('a:1', false), path('b:1', false)], []],
    ['one address', [path('[::1]:3260', true), path('[::1]:3261', true)], ['ONE_PORTAL info']],
  ] as const)('%s', ([, paths, expected]) => {
    expect(told(judgePortals('db', paths))).toEqual(expected)
  })
})

describe('open-iscsi', () => {
  it.for([
    ['iscsid version 2.1.8', '2.1.8'],
    ['iscsiadm version 6.2.1.4-4.git095f59c.el8', '2.1.4'],
    ['iscsid version 6.2.0.874-10', '2.0.874'],
    ['2.1.8', null],
    ['', null],
  ] as const)('"%s" is %s', ([text, version]) => {
    expect(parseVersion(text)).toBe(version)
  })

  const versions = (iscsiadm: string | null, iscsid = iscsiadm, isReplaced = false) => ({
    iscsiadm,
    iscsid,
    isReplaced,
  })
  it.for([
    [versions('2.1.8'), []],
    [versions('2.1.11'), []],
    [versions('2.1.10'), ['OPEN_ISCSI_BUG warning']],
    [versions('2.0.873'), ['OPEN_ISCSI_BUG warning']],
    [versions('2.0.874'), []],
    [versions('2.1.9', '2.1.8'), ['ISCSI_VERSIONS warning']],
    [versions('2.1.8', '2.1.8', true), ['ISCSI_VERSIONS warning']],
    [versions(null, '2.1.8'), []],
    [versions(null, null), []],
  ] as const)('%j', ([known, expected]) => {
    expect(told(judgeVersions(known, 1))).toEqual(expected)
  })
})

it('a program is needed for what the volumes are, and named with its package', () => {
  const mounted = {
    ...staged,
    fs: 'xfs',
    request: { ...staged.request, use: { ...staged.request.use, mount: '/m' } },
  }
  expect(neededPrograms([])).toEqual(['iscsiadm', 'dmsetup', 'udevadm'])
  expect(neededPrograms([mounted])).toEqual(expect.arrayContaining(['xfs_repair', 'chattr']))
  expect(neededPrograms([mounted])).not.toContain('fsck.ext4')
  const findings = judgeMissing(['dm_multipath'], ['xfs_repair'])
  expect(told(findings)).toEqual(['MODULE_MISSING warning', 'PROGRAM_MISSING warning'])
  expect(findings[1]!.fix).toContain('xfsprogs')
})

it('a readable secret is named by its file, never shown', () => {
  expect(judgeSecrets([{ path: '/etc/iscsi/iscsid.conf', mode: '644' }])).toMatchObject([
    { code: 'SECRET_READABLE', subject: '/etc/iscsi/iscsid.conf', evidence: { mode: '644' } },
  ])
})

describe('MULTIPATH_TAKES', () => {
  const identity = { wwid: parseWwid('naa.600140500000000000000000000000aa'), serial: null, bytes: 1 }
  const held: Attachment = { ...staged, identity }
  const site = {
    isRunning: true,
    isKeptOff: true,
    findMultipaths: 'greedy',
    property: null,
    wwids: new Set<string>(),
  }
  it.for([
    ['greedy, and kept off by the rules', {}, []],
    ['greedy, and no rules', { isKeptOff: false }, ['MULTIPATH_TAKES warning']],
    ['accepts any property', { property: '.*' }, ['MULTIPATH_TAKES warning']],
    ['the default written out', { property: '(SCSI_IDENT_|ID_WWN)' }, []],
    ['not running', { isRunning: false, isKeptOff: false }, []],
    ['leaves single paths alone', { findMultipaths: 'strict', isKeptOff: false }, []],
    ['the default leaves them alone', { findMultipaths: null, isKeptOff: false }, []],
    [
      'knows the WWID',
      { findMultipaths: 'strict', isKeptOff: false, wwids: new Set(['3600140500000000000000000000000aa']) },
      ['MULTIPATH_TAKES warning'],
    ],
  ] as const)('%s', ([, change, expected]) => {
    expect(told(judgeMultipath({ ...site, ...change }, [held]))).toEqual(expected)
  })
  it('volumes that multipathd is to hold are its own', () => {
    expect(judgeMultipath({ ...site, isKeptOff: false }, [{ ...held, mode: 'multipathd' }])).toEqual([])
  })
})

const now = { at: '2026-11-28T12:00:00.000Z', boot: 'b', ms: 90_000_000 }
const event = (more: object): HistoryEvent => ({ ...now, volume: null, by: null, ...more }) as HistoryEvent

it.for([
  ['an hour back', { seconds: -3_600, ms: 80_000_000 }, ['CLOCK_STEPPED info']],
  ['a few seconds', { seconds: 5, ms: 80_000_000 }, []],
  ['another boot', { seconds: 3_600, ms: 80_000_000, boot: 'a' }, []],
  ['more than a day ago', { seconds: 3_600, ms: 1_000 }, []],
] as const)('CLOCK_STEPPED: %s', ([, step, expected]) => {
  expect(told(judgeClock([event({ event: 'clock-stepped', ...step })], now))).toEqual(expected)
})

it.for([
  ['write back', 'write back', []],
  ['write through', 'write through', []],
  ['write back', 'write through', ['FLUSH_DISABLED warning']],
  ['write back, no read (daft)', 'write through', ['FLUSH_DISABLED warning']],
  [null, null, []],
] as const)('FLUSH_DISABLED: a disk with %s, used as %s', ([reported, used, expected]) => {
  expect(told(judgeCaches('db', [{ disk: 'sda', reported, used }]))).toEqual(expected)
})

it.for([
  ['this node, twice', '4c4baaaaaaaa0001', 'iqn.x:A', []],
  ['another node, under its own name', '4c4bbbbbbbbb0001', 'iqn.x:b', []],
  ['another node, under ours', '4c4bbbbbbbbb0001', 'iqn.x:a', ['INITIATOR_SHARED critical']],
  ['other software on this node', '0000000000000001', 'iqn.x:a', []],
  ['a target that does not tell', '4c4bbbbbbbbb0001', null, []],
] as const)('INITIATOR_SHARED: %s', ([, key, initiator, expected]) => {
  const registrants = [{ key: parseKey(key), isHolder: false, initiator }]
  expect(told(judgeInitiators('db', 'iqn.x:a', 'aaaaaaaa', registrants))).toEqual(expected)
})

it('RECORD_STALE: a record is needed by a volume, or by a session at its portal', () => {
  const portal = parsePortal('10.0.0.5')
  const own = [
    { iqn: IQN, portal, path: '/a' },
    { iqn: OTHER, portal, path: '/b' },
  ]
  const subjects = (findings: readonly Finding[]) => findings.map(({ evidence }) => evidence['path'])
  expect(subjects(judgeNodeRecords(own, [staged], []))).toEqual(['/b'])
  expect(subjects(judgeNodeRecords(own, [staged], [{ iqn: OTHER, portal }]))).toEqual([])
  expect(subjects(judgeNodeRecords(own, [staged], [{ iqn: OTHER, portal: null }]))).toEqual([])
  expect(subjects(judgeNodeRecords(own, [], [{ iqn: IQN, portal: parsePortal('10.0.0.6') }]))).toEqual([
    '/a',
    '/b',
  ])
})

it('DIRECTORY_LEFT: directories of former volumes, once each, without those in use', () => {
  const attached = (volume: string, directory: string | null) =>
    event({ event: 'attached', volume, directory, mount: directory })
  const history = [attached('old', '/a'), attached('db', '/a'), attached('db', '/b'), attached('raw', null)]
  expect(leftDirectories(history, new Set(['/b', null]))).toEqual([
    { directory: '/a', volume: 'db', detachedAt: null },
  ])
  const detached = event({ event: 'detached', volume: 'db', forced: false, at: '2026-11-30T10:00:00.000Z' })
  expect(leftDirectories([...history, detached], new Set(['/b', null]))).toEqual([
    { directory: '/a', volume: 'db', detachedAt: '2026-11-30T10:00:00.000Z' },
  ])
})
