import { randomBytes } from 'node:crypto'

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { explain } from '../../../src/explain/explain.ts'
import { NOW, outagesOf, explainLog } from './explained.ts'

const LOST = 'Aug 18 18:13:29 n1 kernel:  connection1:0: detected conn error (1020)\n'
const BACK = 'Aug 18 18:14:29 n1 iscsid: connection1:0 is operational after recovery (2 attempts)\n'

async function* stream(...parts: (Buffer | string)[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield Buffer.from(part as string)
}

test('bytes that are not text do not disturb the lines around them', async () => {
  const garbage = [...Array(20)].map(() => Buffer.concat([randomBytes(50_000), Buffer.from('\n')]))
  const story = await explain(stream('\u0000\u0000\n', LOST, ...garbage, BACK), { now: NOW })
  expect(outagesOf(story)).toMatchObject([{ seconds: 60, attempts: 2 }])
})

test('a line of 40 MB is skipped in bounded memory, and the lines around it are read', async () => {
  async function* huge() {
    yield Buffer.from(`${LOST}Aug 18 18:13:30 n1 kernel: `)
    for (let n = 0; n < 40; n++) yield Buffer.alloc(1 << 20, 'detected conn error ( I/O error, dev sdb, ')
    yield Buffer.from(`\n${BACK}`)
  }
  const before = process.memoryUsage().rss
  const story = await explain(huge(), { now: NOW })
  expect(outagesOf(story)).toMatchObject([{ seconds: 60 }])
  expect(story.lines).toBe(3)
  // Measured: 12 MB.
  expect(process.memoryUsage().rss - before).toBeLessThan(120 << 20)
})

test('the beginning of an overlong line is read', async () => {
  const long = `${LOST.trim()} ${'x'.repeat(100_000)}\n`
  expect(outagesOf(await explainLog(long + BACK, { piece: 5000 }))).toMatchObject([{ seconds: 60 }])
})

test('a log that ends within a line, and an empty log', async () => {
  expect(outagesOf(await explainLog(LOST.trim()))).toHaveLength(1)
  expect(await explainLog('')).toMatchObject({ sessions: [], lines: 0, span: { from: null } })
})

test('20 MB of irrelevant lines take little time and memory', { timeout: 60_000 }, async () => {
  const other = Array.from(
    { length: 10_000 },
    (_, n) =>
      `Aug 18 18:13:${40 + (n % 10)} n1 app[${n}]: request ${n} was handled in ${n % 97} ms by worker ${n % 7}\n`,
  ).join('')
  const block = Buffer.from(other)
  let fed = 0
  async function* log() {
    yield Buffer.from(LOST)
    for (; fed < 20e6; fed += block.length) yield block
    yield Buffer.from(BACK)
  }
  const memory = process.memoryUsage().rss
  const start = performance.now()
  const story = await explain(log(), { now: NOW })
  expect(outagesOf(story)).toMatchObject([{ seconds: 60 }])
  // Measured: 0.1 s. Ten times slower indicates a regular expression that backtracks.
  expect(performance.now() - start).toBeLessThan(3000)
  expect(process.memoryUsage().rss - memory).toBeLessThan(120 << 20)
})

test('any lines in any order are explained, with the same result however the log is split into blocks', async () => {
  const line = fc.oneof(
    fc.constantFrom(
      LOST,
      BACK,
      '[12.5] session1: session recovery timed out after 8 secs\n',
      '[1.0] Linux version 6.1\n',
      'Jan  1 00:00:00 n1 kernel: sd 1:0:0:0: rejecting I/O to offline device\n',
      'Feb 29 00:00:00 n1 kernel: I/O error, dev sda, sector 1\n',
      '9999-99-99T99:99:99Z n1 kernel: Aborting journal on device sda-8.\n',
      '{"MESSAGE":[1,"x",{}],"SYSLOG_IDENTIFIER":"kernel","__REALTIME_TIMESTAMP":"1e400","I/O error":1}\n',
      '6,1,99999999999999999,-;I/O error, dev sda, sector 1\n',
      '[99999999999.9] EXT4-fs error (device sda): x\n',
    ),
    fc.string({ unit: 'binary', maxLength: 40 }),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 30 }),
      fc.integer({ min: 1, max: 50 }),
      async (lines, piece) => {
        const whole = await explainLog(lines.join(''))
        JSON.parse(JSON.stringify(whole))
        expect((await explainLog(lines.join(''), { piece })).lines).toBe(whole.lines)
        for (const { seconds, awayAtLeast } of outagesOf(whole))
          expect([seconds ?? 0, awayAtLeast ?? 0].every((number) => number >= 0)).toBe(true)
      },
    ),
    { numRuns: 300 },
  )
})
