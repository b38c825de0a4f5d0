import { describe, expect, test } from 'vitest'

import { findRelevantPhrase } from '../../../src/explain/read/line-reader.ts'
import { explainLog, outagesOf } from './explained.ts'

const iscsid = (second: number, message: string, program = 'iscsid[1885]') =>
  `Apr 24 00:00:${String(second).padStart(2, '0')} n1 ${program}: ${message}\n`

async function causesOf(log: string) {
  const { causes } = await explainLog(log)
  return causes.map(({ kind, subject, count }) => [kind, subject, count])
}

/** As open-iscsi writes each status of a login response (usr/initiator.c), without its prefix. */
const STATUSES: readonly (readonly [message: string, kind: string, meaning?: string])[] = [
  ['login rejected: redirection type 0x3 not supported', 'login-failed'],
  ['login rejected: initiator error (02/00)', 'login-failed', 'error of the initiator'],
  ['login rejected: initiator failed authorization with target', 'login-refused'],
  ['login rejected: initiator error - target not found (02/03)', 'target-not-found', 'no such target'],
  ['login rejected: initiator error (02/04)', 'target-not-found', 'the target was removed'],
  [
    'login rejected: incompatible version (02/05), non-retryable, giving up',
    'login-failed',
    'unsupported version',
  ],
  ['login rejected: initiator error (02/06)', 'login-failed', 'too many connections'],
  ['login rejected: initiator error (02/07)', 'login-failed', 'a parameter is missing'],
  [
    'login rejected: initiator error (02/08)',
    'login-failed',
    'the connection cannot be added to the session',
  ],
  ['login rejected: initiator error (02/09)', 'login-failed', 'unsupported type of session'],
  ['login rejected: initiator error (02/0a)', 'login-failed', 'no such session'],
  ['login rejected: initiator error (02/0b)', 'login-failed', 'invalid request'],
  ['login rejected: initiator error (02/7f)', 'login-failed'],
  ['login rejected: target error (03/00)', 'target-unavailable', 'error of the target'],
  ['login rejected: target error (03/01)', 'target-unavailable', 'service unavailable'],
  ['login rejected: target error (03/02)', 'target-unavailable', 'out of resources'],
  ['login rejected: target error (03/7f)', 'target-unavailable'],
  ['login response with unknown status class 0x4, detail 0x1', 'login-failed'],
  ['Login error (Login status 4)', 'login-failed'],
]

describe.each([
  ['2.1.7 and later', 'connection8:0 ', 'session 8'],
  ['earlier releases', 'conn 0 ', 'a login'],
])('a rejected login, as logged by %s', (_, prefix, subject) => {
  test.each(STATUSES)('%s', async (message, kind, meaning = '') => {
    const line = iscsid(0, prefix + message)
    expect(findRelevantPhrase(Buffer.from(line), 0)).not.toBe(-1)
    const { causes } = await explainLog(line + iscsid(1, `message repeated 3 times: [ ${prefix}${message}]`))
    expect(causes).toMatchObject([{ kind, subject, count: 4 }])
    expect(causes[0]!.detail).toBe(`${prefix}${message}${meaning && `: ${meaning}`}`.slice(0, 200))
  })
})

/** Other messages about connections that cannot be made, of open-iscsi 2.0.873 to 2.1.11. */
test.each([
  ['session 3 login rejected: Initiator failed authentication with target', 'login-refused', 'session 3'],
  ['Login authentication failed with target iqn.2026-01.example:a', 'login-refused', 'iqn.2026-01.example:a'],
  [
    'Login failed to authenticate with target iqn.2026-01.example:a',
    'login-refused',
    'iqn.2026-01.example:a',
  ],
  [
    'failing authentication, received incorrect CHAP response from target iqn.2026-01.example:a',
    'login-refused',
    'iqn.2026-01.example:a',
  ],
  ['Login I/O error, failed to receive a PDU', 'login-failed', 'a login'],
  ['Login I/O error, failed to send a PDU', 'login-failed', 'a login'],
  ['Login response timeout. Waited 15 seconds and did not get response PDU.', 'login-failed', 'a login'],
  ["Login negotiation failed, can't accept HeaderDigest=CRC32C", 'login-failed', 'a login'],
  ["login failed, couldn't make a login PDU", 'login-failed', 'a login'],
  ['Login error (Login status 4) on conn 0', 'login-failed', 'a login'],
  ['Giving up on session 5 after 3 retries', 'login-failed', 'session 5'],
  ['session5 Giving up after 3 retries', 'login-failed', 'session 5'],
  [
    'Could not login to [iface: default, target: iqn.2026-01.example:a, portal: 192.0.2.10,3260].',
    'login-failed',
    'iqn.2026-01.example:a',
  ],
  [
    'initiator reported error (24 - iSCSI login failed due to authorization failure)',
    'login-refused',
    'a login',
  ],
  ['initiator reported error (8 - connection timed out)', 'login-failed', 'a login'],
  ['discovery login to 192.0.2.10 rejected: initiator failed authorization', 'login-refused', '192.0.2.10'],
  [
    'discovery login to 192.0.2.10 rejected: initiator error (02/03), non-retryable, giving up',
    'target-not-found',
    '192.0.2.10',
  ],
  ['connect to 192.0.2.10:3260 failed (Connection refused)', 'portal-unreachable', '192.0.2.10:3260'],
  [
    'connection3:0 cannot make a connection to 192.0.2.10:3260 (-1,113)',
    'portal-unreachable',
    '192.0.2.10:3260',
  ],
  ['session3 connect to 192.0.2.10:3260 failed (No route to host)', 'portal-unreachable', '192.0.2.10:3260'],
  ['connect to 192.0.2.10 timed out', 'portal-unreachable', '192.0.2.10'],
  ['cannot make connection to 192.0.2.10: No route to host', 'portal-unreachable', '192.0.2.10'],
  ['Connection to Discovery Address 192.0.2.10 failed', 'portal-unreachable', '192.0.2.10'],
  ['cannot resolve host name nas.example', 'portal-unreachable', 'nas.example'],
  [
    'Cannot resolve host nas.example. getaddrinfo error: [Name or service not known]',
    'portal-unreachable',
    'nas.example',
  ],
  ['connection3:0 Target requests logout within 5 seconds', 'target-logout', 'session 3'],
  ['Target requests logout within 5 seconds for connection', 'target-logout', 'the target'],
  ['Target dropping all connections, reconnect min 2 max 20', 'target-logout', 'the target'],
  ['connection3:0 Target dropping 0, reconnect min 2 max 20', 'target-logout', 'session 3'],
  ['Received async event param negotiation, dropping session:3', 'target-logout', 'session 3'],
])('%s', async (message, kind, subject) => {
  const line = iscsid(0, message)
  expect(findRelevantPhrase(Buffer.from(line), 0)).not.toBe(-1)
  expect(await causesOf(line)).toEqual([[kind, subject, 1]])
})

test('a session that exists already is not a failed login', async () => {
  expect(await causesOf(iscsid(0, 'initiator reported error (15 - session exists)', 'iscsiadm[7]'))).toEqual(
    [],
  )
})

test('a rejected login is an attempt of its outage, together with the line of the kernel, and names the target', async () => {
  const reject = 'connection8:0 login rejected: initiator error - target not found (02/03)'
  const story = await explainLog(
    iscsid(
      0,
      'Connection8:0 to [target: iqn.2026-01.example:a, portal: 192.0.2.10,3260] through [iface: default] is operational now',
    ) +
      iscsid(10, 'connection8:0: detected conn error (1020)', 'kernel') +
      iscsid(15, reject) +
      iscsid(15, 'connection8:0: detected conn error (1020)', 'kernel') +
      iscsid(20, reject) +
      iscsid(20, 'connection8:0: detected conn error (1020)', 'kernel'),
  )
  expect(outagesOf(story)).toMatchObject([{ attempts: 2, awayAtLeast: 10, ended: null }])
  expect(story.causes).toMatchObject([
    { kind: 'target-not-found', subject: 'iqn.2026-01.example:a', count: 2 },
  ])
})

test('attempts to reach a portal during an outage belong to the session that the message names', async () => {
  const story = await explainLog(
    iscsid(0, 'connection1:0: detected conn error (1020)', 'kernel') +
      iscsid(0, 'connection2:0: detected conn error (1020)', 'kernel') +
      iscsid(5, 'connection2:0 cannot make a connection to 192.0.2.10:3260 (-1,113)') +
      iscsid(9, 'connection2:0 cannot make a connection to 192.0.2.10:3260 (-1,113)'),
  )
  expect(outagesOf(story)).toMatchObject([
    { attempts: null, awayAtLeast: 0 },
    { attempts: 2, awayAtLeast: 9 },
  ])
  expect(story.causes).toEqual([])
})
