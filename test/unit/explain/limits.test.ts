import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { explainText } from '../../../src/cli/output/explain.ts'
import { PLAIN } from '../../../src/cli/output/display.ts'
import { explain } from '../../../src/explain/explain.ts'
import { NOW, explainLog } from './explained.ts'

/** The beginnings of lines of each form, cut and mixed by the generator. */
const PIECES = [
  'Aug 18 18:13:29 n1 kernel: ',
  'Mär 18 18:13:29 n1 iscsid[1]: iscsid: ',
  '[ 12.500000] [ T12] ',
  '[Di Aug 18 18:13:29 2026 <    0,000001>] ',
  '2026-08-18T18:13:29Z stderr F ',
  '<6>1 2026-08-18T18:13:29Z n1 kernel - - [a b="c"] ',
  '{"MESSAGE":"',
  '"time": [Tue Aug 18 18:13:29 2026] ,',
  '[1770000000.0, {"log":"',
  '{"stream":{"a":"b"},"values":[["1770000000000000000","',
  '6,1,100500000,-;',
  'time="2026-08-18T18:13:29Z" msg="',
  '__CURSOR=s=1\n__REALTIME_TIMESTAMP=1770000000000000\nMESSAGE\n\u0005\u0000\u0000\u0000\u0000\u0000\u0000\u0000',
  'Tue 2026-08-18 18:13:29.1 UTC [s=5e1c7a0e6f4b4a0c9a7b1d2e3f405162;i=1]\n    MESSAGE=',
  'connection1:0: detected conn error (1020)',
  'session1: session recovery timed out after 120 secs',
  'connection1:0 is operational after recovery (2 attempts)',
  'sd 2:0:0:1: [sdb] tag#3 Sense Key : Medium Error [current]',
  'I/O error, dev sdb, sector 1',
  'EXT4-fs (sdb): Remounting filesystem read-only',
  'mpatha: Disable queueing',
  'MountVolume.SetUp failed for volume "x" : ',
  '-- Boot 5e1c7a0e6f4b4a0c9a7b1d2e3f405162 --',
  '[0.0] Linux version 6.1',
  '"}',
  ']}',
  '\\',
  '"',
  '{',
  '[',
  '\n',
  '\u001b[31m',
  '\u009b2J',
  '\u202e',
]

const CONTROL =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

test(
  'any log is explained, with the same result however it is split into blocks, and without control characters in the text',
  { timeout: 120_000 },
  async () => {
    const piece = fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...PIECES) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 60 }),
        fc.integer({ min: 1, max: 40 }),
        async (pieces, size) => {
          const log = pieces.join('')
          const whole = await explainLog(log)
          expect(await explainLog(log, { piece: size })).toEqual(whole)
          const text = explainText(whole, PLAIN)
          expect(text).not.toMatch(CONTROL)
          if (text.startsWith('No outage'))
            expect(whole.inputs[0]!.understood && whole.inputs[0]!.missed === 0).toBe(true)
        },
      ),
      { numRuns: 400 },
    )
  },
)

/** Lines and documents that are made to take long or to be kept. */
const HOSTILE: readonly [string, (n: number) => string][] = [
  ['one long line of blanks', () => ' '.repeat(64)],
  ['brackets', () => '[[[[[[[[{{{{{{{{'],
  ['quotes and backslashes', () => '"\\"\\\\"\\'],
  ['pairs', (n) => `a${n}=b msg= `],
  [
    'sessions without end',
    (n) => `Aug 18 18:13:29 n1 kernel: connection${n}:0: detected conn error (1020)\n`,
  ],
  ['hosts without end', (n) => `Aug 18 18:13:29 n${n} kernel: connection1:0: detected conn error (1020)\n`],
  ['boots without end', (n) => `[0.0] Linux version 6\n[${n}.0] connection1:0: detected conn error (1020)\n`],
  ['devices without end', (n) => `[1.0] I/O error, dev sdx${n}, sector 1\n`],
  ['disks without end', (n) => `[1.0] sd ${n}:0:0:1: [sda] Attached SCSI disk\n`],
  [
    'volumes without end',
    (n) => `E0818 18:13:29.1 1 a.go:1] MountVolume.SetUp failed for volume "v${n}" : x\n`,
  ],
  ['lines without times', (n) => `connection${n}:0: detected conn error (1020)\n`],
  ['months that are none', (n) => `Xyz${n} 18 18:13:29 n1 kernel: I/O error, dev sda, sector 1\n`],
  ['deep JSON', () => '{"a":'],
  ['JSON that does not end', () => '{"MESSAGE":"I/O error, dev sda, '],
  ['lists of lists', () => '[["1770000000000000000","I/O error, dev sda, sector 1"],'],
  ['fields without end', (n) => `FIELD_${n}=x\n`],
  ['the words, over and over', () => 'conn error (conn error (recovery timed out'],
  ['colons', () => 'a:b:c: d: '],
]

test.each(HOSTILE)(
  '%s take no more than 100 ms and 64 MiB beyond the input',
  { timeout: 60_000 },
  async (_, make) => {
    let text = ''
    for (let n = 0; text.length < 1 << 20; n++) text += make(n)
    const log = Buffer.from(text)
    async function* blocks() {
      for (let at = 0; at < log.length; at += 64 << 10) yield log.subarray(at, at + (64 << 10))
    }
    globalThis.gc?.()
    const before = process.memoryUsage()
    const cpu = process.cpuUsage()
    const story = await explain(blocks(), { now: NOW })
    const { user, system } = process.cpuUsage(cpu)
    // 100 ms for each KiB would be 100 s. Measured: 0.02 s to 0.5 s.
    expect((user + system) / 1e6).toBeLessThan(10)
    const after = process.memoryUsage()
    expect(after.rss - before.rss).toBeLessThan((64 << 20) + 4 * log.length)
    expect(explainText(story, PLAIN)).not.toBe('')
  },
)
