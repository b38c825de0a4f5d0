import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { expect, test } from 'vitest'

import { logFiles, rotationSet } from '../../../src/host/logs/log-files.ts'
import { explainText } from '../../../src/cli/output/explain.ts'
import { PLAIN } from '../../../src/cli/output/display.ts'
import { timelinePage } from '../../../src/cli/output/timeline/page.ts'
import { explainAll } from '../../../src/explain/explain.ts'
import { temporary } from '../temporary.ts'
import { NOW, outagesOf } from './explained.ts'

const LOST = 'connection1:0: detected conn error (1020)'
const EXPIRED = 'session1: session recovery timed out after 120 secs'
const BACK = 'connection1:0 is operational after recovery (9 attempts)'
const kernel = (time: string, message: string, host = 'n1') => `Mar ${time} ${host} kernel: ${message}\n`
const iscsid = (time: string, message: string, host = 'n1') => `Mar ${time} ${host} iscsid: ${message}\n`

async function storyOf(files: Readonly<Record<string, string | Buffer>>, sources?: readonly string[]) {
  const directory = temporary()
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(directory, name, '..'), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
  const paths = sources?.map((name) => join(directory, name)) ?? [directory]
  return explainAll(await logFiles(paths), { now: NOW })
}

test('a rotated set is read as one log, in any order of its files', async () => {
  const files = {
    'syslog.2.gz': gzipSync(kernel(' 9 23:59:00', LOST)),
    'syslog.1': kernel('10 00:01:00', EXPIRED),
    syslog: iscsid('10 00:04:00', BACK),
  }
  for (const sources of [
    ['syslog', 'syslog.1', 'syslog.2.gz'],
    ['syslog.2.gz', 'syslog', 'syslog.1'],
    undefined,
  ])
    expect(outagesOf(await storyOf(files, sources))).toMatchObject([
      { seconds: 300, timer: 120, ended: 'back' },
    ])
})

test('a line that two files of a host share counts once; repetitions within a file all count', async () => {
  const error = kernel('10 02:13:05', 'I/O error, dev sdb, sector 8 op 0x1:(WRITE)')
  const lines = kernel('10 02:11:05', LOST) + kernel('10 02:13:05', EXPIRED) + error + error
  const story = await storyOf({
    'kern.log': lines,
    syslog: lines + iscsid('10 02:16:05', BACK),
    messages: lines,
  })
  expect(outagesOf(story)).toMatchObject([{ ioErrors: 2, seconds: 300 }])
})

test('hosts are distinguished by the names in their lines', async () => {
  const story = await storyOf({
    'a.log': kernel('10 02:11:05', LOST, 'a') + iscsid('10 02:11:35', BACK, 'a'),
    'b.log': kernel('10 02:11:06', LOST, 'b') + iscsid('10 02:12:06', BACK, 'b'),
  })
  expect(story.sessions.map(({ host, outages }) => [host, outages[0]!.seconds])).toEqual([
    ['a', 30],
    ['b', 60],
  ])
})

test('logs without host names belong to different hosts, unless they are one rotated set', async () => {
  const dmesg = (at: number, message: string) => `[${at}.000000] ${message}\n`
  const apart = await storyOf({
    'n1.dmesg': dmesg(10, LOST),
    'n2.dmesg': dmesg(500, LOST) + dmesg(620, EXPIRED),
  })
  expect(apart.sessions).toHaveLength(2)
  const together = await storyOf({ 'dmesg.1': dmesg(500, LOST), dmesg: dmesg(620, EXPIRED) })
  expect(together.sessions).toHaveLength(1)
})

test('the sessions and causes of logs without host names are distinguished by the names of the files', async () => {
  const dmesg = (message: string) => `[500.000000] ${message}\n`
  const story = await storyOf({
    'n1.dmesg': dmesg(LOST) + dmesg('sd 2:0:0:1: [sdb] tag#3 Sense Key : Medium Error [current]'),
    'n2.dmesg': dmesg(LOST),
    'n3.dmesg.1': dmesg(LOST),
    'n3.dmesg': dmesg(EXPIRED),
    'n4.log': kernel('10 02:11:05', LOST, 'n4'),
  })
  const logs = story.sessions.map(({ host, log }) => host ?? log?.replace(/.*\//, ''))
  expect(new Set(logs)).toEqual(new Set(['n1.dmesg', 'n2.dmesg', 'n3.dmesg', 'n4']))
  expect(story.sessions.find(({ host }) => host === 'n4')).toMatchObject({ log: null })
  const text = explainText(story, PLAIN)
  for (const name of ['n1.dmesg', 'n2.dmesg', 'n3.dmesg'])
    expect(text).toMatch(new RegExp(`^session 1 in /.*/${name}$`, 'm'))
  expect(text).toMatch(/^session 1 on n4$/m)
  expect(text).toMatch(/^medium-error: sdb in \/.*\/n1\.dmesg$/m)
  const page = timelinePage(story, '')
  for (const { log } of story.sessions) if (log !== null) expect(page).toContain(`<td>${log}</td>`)
})

test('a single log needs no name in the text', async () => {
  const story = await storyOf({ dmesg: `[500.000000] ${LOST}\n` })
  expect(story.sessions).toMatchObject([{ host: null, log: expect.stringMatching(/\/dmesg$/) }])
  expect(explainText(story, PLAIN)).toMatch(/^session 1$/m)
})

test('a file that is not a log is named, and the other files are explained', async () => {
  const story = await storyOf({
    'kern.log': kernel('10 02:11:05', LOST) + iscsid('10 02:11:35', BACK),
    'pods/x/0.log': '2026-03-10T02:11:36.1Z stderr F iscsid: nothing\n',
    wtmp: Buffer.from([7, 0, 0, 0, 1, 10, 3]),
    'journal/system.journal': 'LPKSHHRH\u0000\u0000',
    'cut.gz': gzipSync('x'.repeat(1000)).subarray(0, 15),
  })
  expect(outagesOf(story)).toMatchObject([{ seconds: 30 }])
  const text = explainText(story, PLAIN)
  expect(text).toContain('1 outage of 1 iSCSI connection')
  expect(text).toMatch(/The format of \S+wtmp was not understood/)
  expect(text).toContain('journalctl --file FILE')
  expect(text).toMatch(/cut\.gz cannot be read: the compressed data is truncated/)
})

test('standard input given twice, and a directory without logs, are errors', async () => {
  await expect(logFiles(['-', 'x', '-'])).rejects.toMatchObject({ code: 'USAGE' })
  await expect(logFiles([temporary()])).rejects.toMatchObject({ code: 'LOG_UNREADABLE' })
})

test.each([
  ['/var/log/syslog', '/var/log/syslog'],
  ['/var/log/syslog.1', '/var/log/syslog'],
  ['/var/log/syslog.12.gz', '/var/log/syslog'],
  ['/var/log/messages-20260315.xz', '/var/log/messages'],
  ['/var/log/kern.log.2.zst', '/var/log/kern.log'],
  ['kern.log', 'kern.log'],
])('%s belongs to the rotated set %s', (name, set) => expect(rotationSet(name)).toBe(set))
