import { expect, test } from 'vitest'

import { outagesOf, explainLog } from './explained.ts'

const lost = (at: number, session = 1, code = 1020) =>
  `[${at}.000000]  connection${session}:0: detected conn error (${code})\n`
const expired = (at: number, seconds: number, session = 1) =>
  `[${at}.000000]  session${session}: session recovery timed out after ${seconds} secs\n`
const ioError = (at: number, device: string) =>
  `[${at}.000000] I/O error, dev ${device}, sector 8 op 0x1:(WRITE)\n`
const aborted = (at: number, device: string) => `[${at}.000000] Aborting journal on device ${device}-8.\n`
const syslog = (second: number, text: string, host = 'n1') =>
  `Aug 18 18:${String(Math.floor(second / 60)).padStart(2, '0')}:${String(second % 60).padStart(2, '0')} ${host} ${text}\n`

test('an outage that is logged many times is counted once', async () => {
  const [outage, ...more] = outagesOf(
    await explainLog(lost(10) + lost(10) + lost(12) + lost(15) + lost(18) + expired(130, 120)),
  )
  expect(more).toEqual([])
  expect(outage).toMatchObject({ lostUptime: 10, attempts: 3, timer: 120 })
})

test('each loss of a flapping session is one outage', async () => {
  let log = ''
  for (let n = 0; n < 5; n++)
    log +=
      syslog(n * 60, 'kernel:  connection1:0: detected conn error (1020)') +
      syslog(n * 60 + 1, 'iscsid: Kernel reported iSCSI connection 1:0 error (1020 - X) state (3)') +
      syslog(n * 60 + 7, 'iscsid: connection1:0 is operational after recovery (2 attempts)')
  const outages = outagesOf(await explainLog(log))
  expect(outages.map(({ seconds }) => seconds)).toEqual([7, 7, 7, 7, 7])
  expect(outages.map(({ prevention }) => prevention.holdSeconds)).toEqual([17, 17, 17, 17, 17])
})

test('without iscsid, a ping timeout shows that the session had recovered', async () => {
  const ping = (at: number) =>
    `[${at}.000000]  connection1:0: ping timeout of 5 secs expired, recv timeout 5, last rx 1, last ping 2, now 3\n`
  const outages = outagesOf(await explainLog(ping(10) + lost(10, 1, 1022) + ping(60) + lost(60, 1, 1022)))
  expect(outages).toMatchObject([
    { lostUptime: 10, ended: 'unseen', noticed: { how: 'silent', code: 1022 } },
    { lostUptime: 60, ended: null },
  ])
})

test('without iscsid, a timer that expired twice shows two outages', async () => {
  const outages = outagesOf(
    await explainLog(lost(10) + expired(18, 8) + lost(20) + lost(500) + lost(503) + expired(508, 8)),
  )
  expect(outages).toMatchObject([
    { lostUptime: 10, expiredUptime: 18, ended: 'unseen' },
    { lostUptime: 500, expiredUptime: 508, ended: null },
  ])
})

test('without iscsid, a loss long after the timer would have expired is another outage', async () => {
  expect(outagesOf(await explainLog(lost(10) + lost(2000)))).toMatchObject([
    { lostUptime: 10, ended: 'unseen' },
    { lostUptime: 2000 },
  ])
})

test('a log can begin during an outage', async () => {
  expect(outagesOf(await explainLog(expired(130, 120)))).toMatchObject([{ lostUptime: 10, timer: 120 }])
  const back = syslog(0, 'iscsid: connection1:0 is operational after recovery (9 attempts)')
  expect(outagesOf(await explainLog(back))).toMatchObject([
    { lostAt: null, seconds: null, attempts: 9, prevention: { holdSeconds: null } },
  ])
})

test('a reboot ends the outage; session 1 of the next boot is another session', async () => {
  const { sessions } = await explainLog(
    `${lost(900)}[0.000000] Linux version 6.1.0-25-amd64 (x)\n${lost(950)}`,
  )
  expect(sessions).toMatchObject([
    { boot: 0, session: 1, outages: [{ lostUptime: 900, ended: 'reboot' }] },
    { boot: 1, session: 1, outages: [{ lostUptime: 950, ended: null }] },
  ])
})

test('a reboot without its first line is recognized by the time since boot', async () => {
  const { sessions } = await explainLog(lost(900) + lost(100))
  expect(sessions.map(({ boot }) => boot)).toEqual([0, 1])
})

test('a logout ends an outage', async () => {
  const log =
    syslog(0, 'kernel:  connection1:0: detected conn error (1020)') +
    syslog(
      60,
      'iscsid: Connection1:0 to [target: iqn.2026-01.example:a, portal: 10.0.0.5,3260] through [iface: default] is shutdown.',
    )
  expect(outagesOf(await explainLog(log))).toMatchObject([{ ended: 'logout', backAt: null }])
})

test('the hosts of one log are kept apart', async () => {
  const text = 'kernel:  connection1:0: detected conn error (1020)'
  const { sessions } = await explainLog(syslog(1, text, 'a') + syslog(2, text, 'b'))
  expect(sessions.map(({ host }) => host)).toEqual(['a', 'b'])
})

test('an error is attributed to the session of the disk, not to the session that failed last', async () => {
  const boot = `[0.000000] Linux version 6.1.0
[1.000000] scsi host2: iSCSI Initiator over TCP/IP
[1.100000] sd 2:0:0:1: [sda] Attached SCSI disk
[2.000000] scsi host3: iSCSI Initiator over TCP/IP
[2.100000] sd 3:0:0:1: [sdb] Attached SCSI disk
[2.200000] sd 0:0:0:0: [sdc] Attached SCSI disk
`
  const { sessions } = await explainLog(
    boot +
      lost(100, 1) +
      lost(101, 2) +
      expired(108, 8, 1) +
      expired(109, 8, 2) +
      ioError(110, 'sda') +
      aborted(110, 'sda') +
      ioError(110, 'sdc') +
      aborted(111, 'sdc'),
  )
  expect(
    sessions.map(({ session, outages }) => [session, outages[0]!.devices, outages[0]!.survived]),
  ).toEqual([
    [1, ['sda'], false],
    [2, [], true],
  ])
})

test('a login message of iscsid assigns the newest SCSI host to its session', async () => {
  const login = (session: number) =>
    `iscsid: Connection${session}:0 to [target: iqn.2026-01.example:a, portal: 10.0.0.5,3260] through [iface: default] is operational now`
  const log =
    syslog(0, 'kernel: scsi host7: iSCSI Initiator over TCP/IP') +
    syslog(1, login(41)) +
    syslog(2, 'kernel: scsi host8: iSCSI Initiator over TCP/IP') +
    syslog(3, login(42)) +
    syslog(4, 'kernel: sd 7:0:0:1: [sdf] Attached SCSI disk') +
    syslog(100, 'kernel:  connection41:0: detected conn error (1020)') +
    syslog(101, 'kernel:  connection42:0: detected conn error (1020)') +
    syslog(220, 'kernel:  session41: session recovery timed out after 120 secs') +
    syslog(221, 'kernel:  session42: session recovery timed out after 120 secs') +
    syslog(222, 'kernel: sd 8:0:0:3: rejecting I/O to offline device') +
    syslog(222, 'kernel: EXT4-fs (sdf1): Remounting filesystem read-only')
  const { sessions } = await explainLog(log)
  expect(sessions.map(({ session, outages }) => [session, outages[0]!.devices])).toEqual([
    [41, ['sdf']],
    [42, ['8:0:0:3']],
  ])
})

test('errors of other disks, and errors long after an outage, are not attributed to it', async () => {
  const back = syslog(60, 'iscsid: connection1:0 is operational after recovery (2 attempts)')
  const outages = outagesOf(
    await explainLog(
      syslog(0, 'kernel:  connection1:0: detected conn error (1020)') +
        syslog(5, 'kernel: I/O error, dev sdx, sector 1') +
        back +
        syslog(900, 'kernel: Aborting journal on device sdx-8.'),
    ),
  )
  expect(outages).toMatchObject([{ ioErrors: 0, fileSystems: [], survived: true }])
})

test('errors of a path below a map do no harm; errors of the map do', async () => {
  const path =
    lost(100) +
    expired(100, 0) +
    ioError(100, 'sdb') +
    '[100.100000] device-mapper: multipath: 253:3: Failing path 8:16.\n'
  expect(outagesOf(await explainLog(path))).toMatchObject([{ ioErrors: 1, devices: ['sdb'], survived: true }])
  const map = `${path}[700.000000] Buffer I/O error on dev dm-3, logical block 1, lost async page write\n[700.100000] EXT4-fs error (device dm-3): f:1: Detected aborted journal\n`
  expect(outagesOf(await explainLog(map))).toMatchObject([
    { ioErrors: 2, survived: false, fileSystems: [{ device: 'dm-3', what: 'journal aborted' }] },
  ])
})

test.each([
  ['XFS (sdb1): log I/O error -5', 'xfs', 'error', 'sdb1'],
  [
    'XFS (sdb): Log I/O Error (0x2) detected at xlog_ioend_work+0x6b/0x70 [xfs].  Shutting down filesystem.',
    'xfs',
    'shut down',
    'sdb',
  ],
  ['XFS (dm-0): Filesystem has been shut down due to log error (0x2).', 'xfs', 'shut down', 'dm-0'],
  [
    'XFS (sdb): metadata I/O error in "xfs_trans_read_buf_map" at daddr 0x1 len 8 error 5',
    'xfs',
    'error',
    'sdb',
  ],
  ['Aborting journal on device dm-0-8.', 'ext4', 'journal aborted', 'dm-0'],
  ['Aborting journal on device dm-0.', 'ext4', 'journal aborted', 'dm-0'],
  ['EXT4-fs (sdb): Remounting filesystem read-only', 'ext4', 'read-only', 'sdb'],
  ['EXT4-fs error (device sdb) in ext4_reserve_inode_write:5764: IO failure', 'ext4', 'error', 'sdb'],
  [
    'EXT4-fs (sdb): failed to convert unwritten extents to written extents -- potential data loss!  (inode 12, error -5)',
    'ext4',
    'data lost',
    'sdb',
  ],
  [
    'BTRFS: error (device sdb: state EA) in btrfs_commit_transaction:2494: errno=-5 IO failure',
    'btrfs',
    'error',
    'sdb',
  ],
  ['BTRFS info (device sdb: state E): forced readonly', 'btrfs', 'read-only', 'sdb'],
])('%s', async (message, type, what, device) => {
  const [outage] = outagesOf(await explainLog(`${lost(10)}${expired(18, 8)}[19.000000] ${message}\n`))
  expect(outage!.fileSystems).toEqual([{ device, type, what, at: null, uptime: 19 }])
  expect(outage!.survived).toBe(false)
})

test('a disk that answers, even with an error, had recovered: later errors are not attributed to the outage', async () => {
  const sense = (at: number) =>
    `[${at}.000000] sd 2:0:0:1: [sdb] tag#3 Sense Key : Medium Error [current]\n${ioError(at, 'sdb')}${aborted(at + 1, 'sdb')}`
  const story = await explainLog(lost(10) + expired(130, 120) + ioError(131, 'sdb') + sense(33_000))
  expect(outagesOf(story)).toMatchObject([
    { ended: 'unseen', ioErrors: 1, fileSystems: [], awayAtLeast: 121 },
  ])
  expect(story.causes).toMatchObject([
    { kind: 'medium-error', subject: 'sdb', ioErrors: 1, fileSystems: [{ what: 'journal aborted' }] },
  ])
})

test.each([
  [
    'a new login',
    'Connection1:0 to [target: iqn.2026-01.example:a, portal: 10.0.0.5,3260] through [iface: default] is operational now',
    'login',
  ],
  [
    'a logout',
    'Connection1:0 to [target: iqn.2026-01.example:a, portal: 10.0.0.5,3260] through [iface: default] is shutdown.',
    'logout',
  ],
])('%s ends an outage, but does not show how long the target was away', async (_, message, ended) => {
  const log =
    syslog(0, 'kernel:  connection1:0: detected conn error (1020)') + syslog(3000, `iscsid: ${message}`)
  expect(outagesOf(await explainLog(log))).toMatchObject([{ ended, seconds: null, awayAtLeast: 0 }])
})

test('a longer timer is not advised if SCSI error handling took the disk offline', async () => {
  const story = await explainLog(
    lost(10, 1, 1021) +
      '[40.000000] sd 2:0:0:1: Device offlined - not ready after error recovery\n' +
      '[40.100000] sd 2:0:0:1: rejecting I/O to offline device\n[40.200000] I/O error, dev sdb, sector 8\n' +
      '[41.000000] sd 2:0:0:1: [sdb] Synchronizing SCSI cache\n',
  )
  expect(outagesOf(story)).toMatchObject([
    { survived: false, failedBy: 'error handling', devices: ['sdb'], prevention: { holdSeconds: null } },
  ])
  expect(story.causes.map(({ kind }) => kind)).toContain('command-timeout')
})
