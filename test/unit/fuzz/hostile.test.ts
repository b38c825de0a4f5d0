import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { regressionsOf } from '../../fuzz/corpus.ts'
import { runWithin, STRICT } from '../../fuzz/limits.ts'
import { mutated } from '../../fuzz/mutated.ts'
import { Broken, expectClean, expectOneLine } from '../../fuzz/promises.ts'
import type { Target } from '../../fuzz/target.ts'
import { TARGETS } from '../../fuzz/targets.ts'

/** Of each target: seconds for all of them. `npm run fuzz` makes as many as it is asked for. */
/** The same inputs each time: whether a change passes must not be chance. `npm run fuzz` makes others. */
const SEED = 20_261_128
const RUNS = Number(process.env['LUNKEEPER_TEST_FUZZ_RUNS'] ?? 100)

describe.each(TARGETS.map(({ target }) => [target.name, target] as const))(
  'hostile input: %s',
  (_, target) => {
    test('its seeds', async () => {
      for (const input of target.seeds()) await runWithin(target, input, STRICT)
    })

    test.each(regressionsOf(target.name))('$name', async ({ input }) => {
      await runWithin(target, input, STRICT)
    })

    test(
      `${RUNS} inputs: no crash, no hang, bounded memory, nothing that steers a terminal`,
      { timeout: 600_000 },
      async () => {
        await fc.assert(
          fc.asyncProperty(mutated(target), (input) => runWithin(target, input, STRICT)),
          { numRuns: RUNS, seed: SEED, endOnFailure: true },
        )
      },
    )
  },
)

describe('the limits are kept by measuring', () => {
  const target = (run: Target['run']): Target => ({ name: 'x', reads: 'x', words: [], seeds: () => [], run })
  const input = Buffer.alloc(1024)

  test('a parser that takes long', async () => {
    const busy = target(() => {
      const { user } = process.cpuUsage()
      while (process.cpuUsage().user - user < 150_000);
    })
    await expect(runWithin(busy, input, STRICT)).rejects.toThrow(Broken)
  })

  test('a parser that takes much memory', async () => {
    let kept: Buffer | null = null
    // More than this process ever had resident.
    const large = target(() => {
      const unused = process.resourceUsage().maxRSS * 1024 - process.memoryUsage.rss()
      kept = Buffer.alloc(Math.max(0, unused) + (80 << 20), 1)
    })
    await expect(runWithin(large, input, STRICT)).rejects.toThrow(/memory grew/)
    expect(kept).not.toBeNull()
  })

  test('text that steers a terminal, or that becomes two lines', () => {
    for (const text of ['\u001b[2J', '\u009b', '\r', '\u202e', '\ud800'])
      expect(() => expectClean(text)).toThrow(Broken)
    expectOneLine('a\nb\u001b')
  })
})
