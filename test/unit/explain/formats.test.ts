import { expect, test } from 'vitest'

import { outagesOf, explainLog } from './explained.ts'

const LOST = 'connection3:0: detected conn error (1022)'
const EXPIRED = 'session3: session recovery timed out after 120 secs'

function json(time: number, MESSAGE: string): string {
  return JSON.stringify({
    __REALTIME_TIMESTAMP: String(time),
    SYSLOG_IDENTIFIER: 'kernel',
    _HOSTNAME: 'n1',
    MESSAGE,
  })
}

/** Both messages as a program writes them, 120 s apart. */
const dated: [string, string, string | null][] = [
  [
    'syslog',
    `Aug  8 18:13:29 n1 kernel: [  100.5] ${LOST}\nAug  8 18:15:29 n1 kernel: [  220.5] ${EXPIRED}`,
    '2026-08-08T18:13:29',
  ],
  [
    'syslog without the time since boot',
    `Aug 18 18:13:29 n1 kernel:  ${LOST}\nAug 18 18:15:29 n1 kernel:  ${EXPIRED}`,
    '2026-08-18T18:13:29',
  ],
  [
    'journalctl -o short-precise',
    `Aug 18 18:13:29.250000 n1 kernel:  ${LOST}\nAug 18 18:15:29.250000 n1 kernel:  ${EXPIRED}`,
    '2026-08-18T18:13:29.250',
  ],
  [
    'syslog as RFC 3339',
    `2026-08-18T18:13:29.123456+02:00 n1 kernel: [  100.5]  ${LOST}\n2026-08-18T18:15:29.123456+02:00 n1 kernel: [  220.5]  ${EXPIRED}`,
    '2026-08-18T16:13:29.123Z',
  ],
  [
    'RFC 5424',
    `<6>1 2026-08-18T18:13:29Z n1 kernel - - - ${LOST}\n<6>1 2026-08-18T18:15:29Z n1 kernel - - - ${EXPIRED}`,
    '2026-08-18T18:13:29Z',
  ],
  [
    'journalctl -o short-iso',
    `2026-08-18T18:13:29+0000 n1 kernel:  ${LOST}\n2026-08-18T18:15:29+0000 n1 kernel:  ${EXPIRED}`,
    '2026-08-18T18:13:29Z',
  ],
  [
    'journalctl -o short-full',
    `Tue 2026-08-18 18:13:29 UTC n1 kernel:  ${LOST}\nTue 2026-08-18 18:15:29 UTC n1 kernel:  ${EXPIRED}`,
    '2026-08-18T18:13:29Z',
  ],
  [
    'journalctl -o short-full of a zone',
    `Tue 2026-08-18 18:13:29 CEST n1 kernel:  ${LOST}\nTue 2026-08-18 18:15:29 CEST n1 kernel:  ${EXPIRED}`,
    '2026-08-18T18:13:29',
  ],
  [
    'journalctl -o short-unix',
    `1787076809.000000 n1 kernel:  ${LOST}\n1787076929.000000 n1 kernel:  ${EXPIRED}`,
    '2026-08-18T18:13:29Z',
  ],
  [
    'journalctl -o short-monotonic',
    `[  100.500000] n1 kernel:  ${LOST}\n[  220.500000] n1 kernel:  ${EXPIRED}`,
    null,
  ],
  [
    'journalctl -o short-delta',
    `[  100.500000 <    0.000010 >] n1 kernel:  ${LOST}\n[  220.500000 <  120.000000 >] n1 kernel:  ${EXPIRED}`,
    null,
  ],
  [
    'journalctl -o json',
    `${json(1787076809e6, ` ${LOST}`)}\n${json(1787076929e6, EXPIRED)}`,
    '2026-08-18T18:13:29Z',
  ],
  ['dmesg', `[  100.500000]  ${LOST}\n[  220.500000] ${EXPIRED}`, null],
  ['dmesg with callers', `[  100.500000][   T12]  ${LOST}\n[  220.500000][   C0] ${EXPIRED}`, null],
  ['dmesg -r', `<6>[  100.500000]  ${LOST}\n<6>[  220.500000]  ${EXPIRED}`, null],
  ['dmesg -x', `kern  :info  : [  100.500000]  ${LOST}\nkern  :info  : [  220.500000]  ${EXPIRED}`, null],
  [
    'dmesg -T',
    `[Tue Aug 18 18:13:29 2026]  ${LOST}\n[Tue Aug 18 18:15:29 2026]  ${EXPIRED}`,
    '2026-08-18T18:13:29',
  ],
  [
    'dmesg --time-format iso',
    `2026-08-18T18:13:29,500000+00:00  ${LOST}\n2026-08-18T18:15:29,500000+00:00  ${EXPIRED}`,
    '2026-08-18T18:13:29.500Z',
  ],
  ['/dev/kmsg', `6,1201,100500000,-; ${LOST}\n SUBSYSTEM=iscsi\n6,1202,220500000,-;${EXPIRED}`, null],
]

test.each(dated)('%s', async (_, text, lostAt) => {
  const story = await explainLog(`${text}\n`)
  expect(story.sessions).toHaveLength(1)
  expect(story.sessions[0]!.session).toBe(3)
  const [outage, ...more] = outagesOf(story)
  expect(more).toEqual([])
  expect(outage).toMatchObject({
    lostAt,
    noticed: { how: 'silent', code: 1022 },
    timer: 120,
    prevention: { holdSeconds: 120, known: false },
  })
  if (lostAt === null) expect(outage).toMatchObject({ lostUptime: 100.5, expiredUptime: 220.5 })
})

test.each(dated)('%s with CRLF line ends, in blocks of 7 bytes', async (_, text) => {
  const windows = `${text.replaceAll('\n', '\r\n')}\r\n`
  const same = await explainLog(windows, { piece: 7 })
  expect(same).toEqual(await explainLog(text))
  expect(outagesOf(same)).toHaveLength(1)
})

test('messages of all iscsid releases are recognized, with and without a process ID', async () => {
  const story =
    await explainLog(`Aug 18 18:00:00 n1 iscsid[77]: Connection4:0 to [target: iqn.2026-01.example:a, portal: fd00::5,3260] through [iface: default] is operational now
Aug 18 18:13:29 n1 iscsid[77]: Kernel reported iSCSI connection 4:0 error (1022 - ISCSI_ERR_NOP_TIMEDOUT: A NOP has timed out) state (3)
Aug 18 18:13:39 n1 iscsid[77]: cannot make a connection to [fd00::5]:3260 (-1,113)
Aug 18 18:13:49 n1 iscsid[77]: message repeated 4 times: [ cannot make a connection to [fd00::5]:3260 (-1,113)]
Aug 18 18:14:29 n1 iscsid[77]: connection4:0 is operational after recovery (1 attempts)
`)
  expect(story.sessions).toMatchObject([
    { session: 4, iqn: 'iqn.2026-01.example:a', portal: '[fd00::5]:3260' },
  ])
  expect(outagesOf(story)).toMatchObject([
    { noticed: { how: 'silent', code: 1022, words: 'A NOP has timed out' }, seconds: 60, attempts: 1 },
  ])
})

test('failed attempts are counted if iscsid does not log their number', async () => {
  const [outage] = outagesOf(
    await explainLog(`Aug 18 18:13:29 n1 kernel: connection4:0: detected conn error (1020)
Aug 18 18:13:39 n1 iscsid: connect to 10.0.0.5:3260 failed (Connection refused)
Aug 18 18:13:49 n1 iscsid: message repeated 4 times: [ connect to 10.0.0.5:3260 failed (Connection refused)]
`),
  )
  expect(outage).toMatchObject({ attempts: 5, awayAtLeast: 20, survived: true })
})

test('the years of a syslog across New Year are completed', async () => {
  const story = await explainLog(
    `Dec 31 23:59:00 n1 kernel: ${LOST}\nJan  1 00:01:00 n1 kernel: ${EXPIRED}\nJan  1 00:02:00 n1 cron: x\n`,
    { now: new Date('2026-01-02T00:00:00Z') },
  )
  expect(story.span).toMatchObject({ from: '2025-12-31T23:59:00', to: '2026-01-01T00:02:00' })
  expect(outagesOf(story)).toMatchObject([
    { lostAt: '2025-12-31T23:59:00', expiredAt: '2026-01-01T00:01:00', awayAtLeast: 120 },
  ])
})

test('a syslog across two New Years starts two years earlier', async () => {
  const story = await explainLog(
    `Oct  1 00:00:00 n1 kernel: ${LOST}\nMar  1 00:00:00 n1 cron: x\nOct  1 00:00:00 n1 cron: x\nMar  1 00:00:00 n1 kernel: Linux version 6.1\n`,
    { piece: 20 },
  )
  expect(story.span).toMatchObject({ from: '2024-10-01T00:00:00', to: '2026-03-01T00:00:00' })
})

test('lines of other programs that quote kernel messages are ignored', async () => {
  const story = await explainLog(`Aug 18 18:13:29 n1 app[1]: kernel: ${LOST}
Aug 18 18:13:29 n1 app[1]: ${LOST}
Aug 18 18:13:29 n1 kernel: usb 1-1: ${LOST}
${LOST}
6,1,100500000,-;usb 1-1: ${LOST}
14,2,100500000,-;app[1]: ${LOST}
`)
  expect(story.sessions).toEqual([])
  expect(story.lines).toBe(6)
})
