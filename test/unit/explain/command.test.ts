import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { logSource, unreadable } from '../../../src/host/logs/log-source.ts'
import { explainText } from '../../../src/cli/output/explain.ts'
import { PLAIN } from '../../../src/cli/output/display.ts'
import { explainLog, explainRecorded } from './explained.ts'
import { temporary } from '../temporary.ts'

const MAIN = join(import.meta.dirname, '../../../src/cli/main.ts')
const LOG = join(import.meta.dirname, 'logs/outage-300s-survived-400s.log')

test('an outage that broke a file system, as text', async () => {
  expect(explainText(await explainRecorded('outage-300s-read-only.log'), PLAIN)).toMatchInlineSnapshot(`
    "1 outage of 1 iSCSI connection in 17 lines, 2026-08-28 18:38:14 to 2026-08-28 18:43:21.

    session 13 on instance-1
      lost          2026-08-28 18:38:14: the connection was closed by the other side or the network (error 1020)
      timer         300 s, expired 18:43:15
      failed        3972 I/O errors on sdb
      broken        ext4 on sdb: data lost 18:43:15, journal aborted 18:43:20, read-only 18:43:20, error 18:43:20
      back          not in this log; away for at least 306 s
      prevented by  a hold longer than 306 s; the log does not show when the target came back

    What would have prevented it: a hold longer than 306 s. Not every return is in the log: use the real length of the outage, plus a margin. Lunkeeper's default hold of 10m suffices if it is longer than that.
    "
  `)
})

test('an outage that was survived, as text', async () => {
  expect(explainText(await explainRecorded('outage-300s-survived-400s.log'), PLAIN)).toMatchInlineSnapshot(`
    "1 outage of 1 iSCSI connection in 7 lines, 2026-08-29 11:31:37 to 2026-08-29 11:36:38.

    session 12 to 10.142.0.2:3260 on instance-1
      lost      2026-08-29 11:31:37: the connection was closed by the other side or the network (error 1020)
      timer     did not expire, as far as the log shows
      failed    no I/O error logged
      back      11:36:38, after 301 s and 79 attempts
      survived  nothing failed; a hold of at least 332 s survives an outage of the same length

    Nothing failed. To survive an outage of the same length: a hold of at least 332 s. Lunkeeper's default hold of 10m suffices.
    "
  `)
})

test('a log without outages, as text', async () => {
  expect(explainText(await explainLog('Aug 18 18:13:29 n1 cron: x\n'), PLAIN)).toBe(
    'No outage of an iSCSI session in 1 line, 2026-08-18 18:13:29 to 2026-08-18 18:13:29.\n',
  )
})

test('of many outages, those that did most harm are printed, in the order of the log', async () => {
  let log = ''
  for (let n = 0; n < 30; n++)
    log += `Aug 18 18:${10 + n}:00 n1 kernel: connection1:0: detected conn error (1020)\nAug 18 18:${10 + n}:${10 + n} n1 iscsid: connection1:0 is operational after recovery (2 attempts)\n`
  const text = explainText(await explainLog(log), PLAIN)
  expect(text.match(/^ {2}lost/gm)).toHaveLength(10)
  expect(text).toContain('and 20 shorter outages; --json has all')
  expect(text).toContain('after 39 s and 2 attempts')
})

test('control characters of a log do not reach the terminal', async () => {
  const log =
    'Aug 18 18:13:29 n\u001b[31m1 iscsid: Kernel reported iSCSI connection 1:0 error (1020 - ISCSI_ERR_X: a\u001b[2Jb) state (3)\n'
  const text = explainText(await explainLog(log), PLAIN)
  expect(text).toContain('1 outage')
  expect(text).not.toContain('\u001b')
})

test('a file, standard input and --json give the same report; outages do not change exit status 0', async () => {
  const run = (args: string[], input = '') =>
    spawnSync(process.execPath, [MAIN, 'explain', ...args], { input, encoding: 'utf8' })
  const file = run([LOG, '--json'])
  expect(file).toMatchObject({ status: 0, stderr: '' })
  expect(JSON.parse(file.stdout)).toMatchObject({ lines: 7, sessions: [{ session: 12 }] })
  expect(run(['-'], 'Aug 18 18:13:29 n1 cron: x\n')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^No outage/),
  })
  expect(run(['/nonexistent'])).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^error\[LOG_UNREADABLE\].*no such file/),
  })
  // A directory is read; an empty one contains no log.
  expect(run([temporary()])).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^error\[LOG_UNREADABLE\].*is a directory/),
  })
  expect(run(['--colour'])).toMatchObject({ status: 2 })
})

test('the kernel buffer is read record by record, to its end', async () => {
  const file = join(temporary(), 'kmsg')
  writeFileSync(file, '6,1,100500000,-; connection1:0: detected conn error (1020)\n'.repeat(5000))
  let bytes = 0
  for await (const block of logSource(null, file)) bytes += block.length
  expect(bytes).toBe(5000 * 59)
})

test('a log that is missing or not permitted is an error whose hint names an alternative', async () => {
  await expect(logSource(null, '/nonexistent').next()).rejects.toMatchObject({
    code: 'LOG_UNREADABLE',
    hint: expect.stringContaining('journalctl -k | lunkeeper explain -'),
  })
  const forbidden = Object.assign(new Error(), { code: 'EPERM' })
  expect(unreadable(null, '/dev/kmsg', forbidden)).toMatchObject({
    code: 'NO_PERMISSION',
    hint: expect.stringContaining('as root'),
  })
  expect(unreadable('/var/log/syslog', '/dev/kmsg', forbidden)).toMatchObject({
    code: 'NO_PERMISSION',
    message: '/var/log/syslog cannot be read: permission denied',
  })
})
