import { explainText } from '../../../src/cli/output/explain.ts'
import { displayOf, PLAIN } from '../../../src/cli/output/display.ts'
import { printableData } from '../../../src/model/printable.ts'
import { timelinePage } from '../../../src/cli/output/timeline/page.ts'
import { explain } from '../../../src/explain/explain.ts'
import type { Explanation } from '../../../src/explain/report.ts'
import { RELEVANT_PHRASES } from '../../../src/explain/read/relevant-phrases.ts'
import { unreadable } from '../../../src/host/logs/log-source.ts'
import { unpacked } from '../../../src/host/logs/unpacked.ts'
import { LunkeeperError } from '../../../src/model/errors.ts'
import { filesIn } from '../corpus.ts'
import { expectClean, expectJson, expectThat, orRefusedLater } from '../promises.ts'
import type { Target } from '../target.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const COLOURED = displayOf({ isTTY: true, columns: 60 }, { FORCE_COLOR: '1' })
// oxlint-disable-next-line no-control-regex
const COLOUR = /\u001b\[\d+m/g
/** Formats that the machine's programs decompress; these are not ours to test. */
const BY_PROGRAM = ['fd377a585a00', '425a68'].map((magic) => Buffer.from(magic, 'hex'))

/** Logs of any form, also compressed, with everything that `explain` prints and draws. */
export const logs: Target = {
  name: 'logs',
  reads: 'logs in all forms, gzip and zstd; the report as text, JSON and HTML',
  seeds: () => filesIn('test/field/logs', 6 << 10),
  longest: 8 << 10,
  words: [
    ...RELEVANT_PHRASES,
    'Aug 18 18:13:29 n1 kernel: ',
    '[ 12.500000] ',
    '2026-08-18T18:13:29Z ',
    'stderr F ',
    '<6>1 ',
    '6,1,100500000,-;',
    '"MESSAGE":"',
    '"message":"',
    '"stream":{',
    '"values":[[',
    '__REALTIME_TIMESTAMP=',
    '[s=5e1c7a0e',
    'time="',
    'connection1:0',
    'session1',
    'sd 2:0:0:1: [sdb]',
    'dev sdb, sector 1',
    '<script>',
    '\u001b[2J',
    '\u009b',
    '\u202e',
  ],
  async run(input) {
    if (BY_PROGRAM.some((magic) => input.subarray(0, magic.length).equals(magic))) return
    const story = await orRefusedLater(() => explainPieces([input]))
    if (story === null) return
    expectReport(story)
    if (input.length > 2048 || input[0] === 0x1f || input[0] === 0x28) return
    const size = 1 + (input[input.length >> 1] ?? 0)
    const again = await explainPieces(
      Array.from({ length: Math.ceil(input.length / size) }, (_, at) =>
        input.subarray(at * size, (at + 1) * size),
      ),
    )
    expectThat(
      JSON.stringify(again) === JSON.stringify(story),
      `another report when read ${size} bytes at a time`,
    )
  },
}

async function explainPieces(parts: readonly Buffer[]): Promise<Explanation> {
  async function* blocks() {
    try {
      yield* unpacked(toAsync(parts))
    } catch (cause) {
      throw cause instanceof LunkeeperError ? cause : unreadable('log', '/dev/kmsg', cause)
    }
  }
  return await explain(blocks(), { now: NOW })
}

async function* toAsync(parts: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* parts
}

function expectReport(story: Explanation): void {
  const shown = printableData(story)
  const text = explainText(shown, PLAIN)
  expectClean(text)
  expectClean(explainText(shown, COLOURED).replace(COLOUR, ''))
  expectJson(story)
  const { understood, missed } = story.inputs[0]!
  if (text.startsWith('No outage'))
    expectThat(understood && missed === 0, 'no outage in a log that was not understood')
  const page = timelinePage(story, text.split('\n')[0]!)
  expectThat(!/<(?:script|img|iframe|object|embed|link)\b/i.test(page), 'the page has an element of the log')
  for (const { outages } of story.sessions)
    for (const { seconds, awayAtLeast } of outages)
      expectThat((seconds ?? 0) >= 0 && (awayAtLeast ?? 0) >= 0, 'an outage of negative length')
}
