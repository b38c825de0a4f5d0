import { expect, test } from 'vitest'

import { LANGUAGES } from '../../../src/explain/envelope/month-words.ts'
import { openMonths } from '../../../src/explain/envelope/months.ts'
import { readEntry } from '../../../src/explain/envelope/read-entry.ts'
import { readMessage } from '../../../src/explain/message/read-message.ts'
import { findRelevantPhrase } from '../../../src/explain/read/line-reader.ts'

const LOST = 'connection3:0: detected conn error (1020)'
const REPORTED =
  'Kernel reported iSCSI connection 3:0 error (1020 - ISCSI_ERR_TCP_CONN_CLOSE: TCP connection closed) state (3)'

/** Each line reports that session 3 was lost, at a time on 13 January, and names its writer. */
const LINES: readonly [line: string, host: string | null, program: string][] = [
  [`2026 Jan 13 04:30:10.749624 n1 ERR kernel: [  993.616601] ${LOST}`, 'n1', 'kernel'],
  [`[mar. janv. 13 04:30:10 2026] kernel: ${LOST}`, null, 'kernel'],
  [
    `[17.699613] [Tue Jan 13 04:30:10 2026] [  +0.000000] 2026-01-13T04:30:10,559615+00:00 ${LOST}`,
    null,
    'kernel',
  ],
  [`[17.699613 <    0,000000>] [Tue Jan 13 04:30:10 2026] ${LOST}`, null, 'kernel'],
  [`│Jan 13 04:30:10 n1 kernel: [343031.095444]  ${LOST}       │`, 'n1', 'kernel'],
  [`Tue Jan 13 04:30:10 2026 [1768278610.164] kern.info kernel: [1523164.641079] ${LOST}`, null, 'kernel'],
  [`Jan 13 04:30:10 kernel: ${LOST}`, null, 'kernel'],
  [`/var/log/messages-20260118:Jan 13 04:30:10 n1 kernel: ${LOST}`, 'n1', 'kernel'],
  [`messages.1:123:Jan 13 04:30:10 n1 kernel: ${LOST}`, 'n1', 'kernel'],
  [`> Jan 13 04:30:10 n1 kernel: ${LOST}`, 'n1', 'kernel'],
  [`node-1 | Jan 13 04:30:10 n1 kernel: ${LOST}`, 'n1', 'kernel'],
  [`n1: 2026-01-13T04:30:10Z n1 kernel: ${LOST}`, 'n1', 'kernel'],
  [`n1: kern:    info: [2026-01-13T04:30:10.123456789Z]: ${LOST}`, 'n1', 'kernel'],
  [`2026-01-13T04:30:10.123456789Z stderr F iscsid: ${REPORTED}`, null, 'iscsid'],
  [`2026-01-13T04:30:10.123456789Z stdout F Jan 13 04:30:09 n1 kernel: ${LOST}`, 'n1', 'kernel'],
  [`Jan 13 04:30:10 n1 iscsid[1]: iscsid: ${REPORTED}`, 'n1', 'iscsid'],
  [`time="2026-01-13T04:30:10Z" level=info msg="[  12.5] ${LOST}" host=n1`, 'n1', 'kernel'],
  [`{"log":"[  123.500000] ${LOST}\\n","stream":"stdout","time":"2026-01-13T04:30:10.1Z"}`, null, 'kernel'],
  [
    `{"line":"{\\"_HOSTNAME\\":\\"n1\\",\\"SYSLOG_IDENTIFIER\\":\\"kernel\\",\\"MESSAGE\\":\\"${LOST}\\"}","timestamp":"1768278610000000000"}`,
    'n1',
    'kernel',
  ],
  [
    `{"fields":{"message":["${LOST}"],"host.name":["n1"],"@timestamp":["2026-01-13T04:30:10.000Z"],"syslog.identifier":["kernel"]}}`,
    'n1',
    'kernel',
  ],
  [
    `2026-01-13T04:30:10+00:00\tsystemd\t{"SYSLOG_IDENTIFIER":"kernel","_HOSTNAME":"n1","MESSAGE":"${LOST}"}`,
    'n1',
    'kernel',
  ],
  [
    `[1768278610.000000000, {"SYSLOG_IDENTIFIER":"kernel","_HOSTNAME":"n1","MESSAGE":"${LOST}"}]`,
    'n1',
    'kernel',
  ],
  [`Tue 2026-01-13 04:30:10 UTC n1 iscsid.service[77]: ${REPORTED}`, 'n1', 'iscsid'],
  [`Tue 2026-01-13 04:30:10 +03 n1 kernel: ${LOST}`, 'n1', 'kernel'],
  [`<14>1 2026-01-13T04:30:10Z n1 iscsid 77 - [meta x="a\\]b"] ${REPORTED}`, 'n1', 'iscsid'],
  [
    `{"__REALTIME_TIMESTAMP":"1768278610000000","_HOSTNAME":"n1","_TRANSPORT":"kernel","MESSAGE":[${[...Buffer.from(LOST)].join(',')}]}`,
    'n1',
    'kernel',
  ],
]

test.each(LINES)('%s', (line, host, program) => {
  expect(findRelevantPhrase(Buffer.from(line), 0)).not.toBe(-1)
  const entry = readEntry(line, openMonths())!
  expect(entry).toMatchObject({ host, program })
  const day = entry.time?.kind === 'date' ? new Date(entry.time.ms).toISOString().slice(5, 10) : '01-13'
  expect(day).toBe('01-13')
  if (entry.time?.kind === 'yearless') expect(entry.time).toMatchObject({ month: 0, day: 13 })
  expect(readMessage(entry)).toMatchObject({ kind: 'connection error', session: 3 })
})

test('month names of every language that Intl has are recognized, as journalctl and dmesg -T print them', () => {
  const known = LANGUAGES.trim()
    .split(/\s+/)
    .filter((language) => Intl.DateTimeFormat.supportedLocalesOf([language]).length > 0)
  expect(known.length).toBeGreaterThan(140)
  const wrong: string[] = []
  for (const language of known) {
    // A log has one language, which earlier month names help to find.
    const months = openMonths()
    const names = (width: 'short' | 'long') =>
      Array.from({ length: 12 }, (_, month) => nameOf(language, width, month))
    for (const width of ['short', 'long'] as const)
      for (const [month, name] of names(width).entries()) {
        if (/^\d+$/.test(name)) continue
        const day = new Intl.DateTimeFormat(language, { weekday: width, timeZone: 'UTC' }).format(
          Date.UTC(2026, month, 13),
        )
        const bracketed = readEntry(`[${day} ${name} 13 04:30:10 2026] ${LOST}`, months)
        if (bracketed?.time?.kind !== 'date' || new Date(bracketed.time.ms).getUTCMonth() !== month)
          wrong.push(`${language} [${day} ${name}]`)
        const plain = readEntry(`${name} 13 04:30:10 n1 kernel: ${LOST}`, months)
        if (plain?.time?.kind !== 'yearless' || plain.time.month !== month) wrong.push(`${language} ${name}`)
      }
  }
  expect(wrong.length / (known.length * 48)).toBeLessThan(0.02)
})

test('a month name that two languages use differently is resolved by earlier names or by the weekday', () => {
  const read = (...lines: string[]) => {
    const months = openMonths()
    return lines.map((line) => {
      const time = readEntry(line, months)?.time
      return time?.kind === 'yearless' ? time.month : time && new Date(time.ms).getUTCMonth()
    })
  }
  expect(read(`lis 13 04:30:10 n1 kernel: x`)).toEqual([10])
  expect(read(`ruj 30 04:30:10 n1 kernel: x`, `lis 13 04:30:10 n1 kernel: x`)).toEqual([8, 9])
  expect(read(`[uto lis 13 04:30:10 2026] x`)).toEqual([9])
  expect(read(`[pią lis 13 04:30:10 2026] x`)).toEqual([10])
})

function nameOf(language: string, width: 'short' | 'long', month: number): string {
  return new Intl.DateTimeFormat(`${language}-u-ca-gregory`, {
    month: width,
    day: 'numeric',
    timeZone: 'UTC',
  })
    .formatToParts(Date.UTC(2026, month, 5))
    .find(({ type }) => type === 'month')!.value
}
