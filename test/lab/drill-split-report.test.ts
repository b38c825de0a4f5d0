import { expect, test } from 'vitest'

import { plannedSplit } from '../../lab/drill/split/plan.ts'
import { splitPage } from '../../lab/drill/split/report/page.ts'
import type { Split, SplitSide } from '../../lab/drill/split/result.ts'
import { summary } from '../../lab/drill/split/summary.ts'
import { splitVerdict } from '../../lab/drill/split/verdict.ts'

const CUT = 1_800_000_000_000
const INTACT: SplitSide = {
  before: 60,
  owned: 55,
  refused: [],
  foreign: 0,
  lost: 0,
  trouble: null,
  damage: [],
  former: { fate: 'failed', error: 'EIO' },
}
const OVERWRITTEN: SplitSide = {
  ...INTACT,
  foreign: 1100,
  lost: 3,
  damage: Array.from({ length: 20 }, (_, inode) => `Inode ${inode} <has> an illegal block`),
  former: { fate: 'went on', error: null },
}

/** A made-up split. */
function splitOf(
  change: Partial<Split> & { readonly lunkeeper?: SplitSide; readonly stock?: SplitSide } = {},
): Split {
  const { lunkeeper = INTACT, stock = OVERWRITTEN, ...rest } = change
  return {
    plan: plannedSplit({}),
    kernel: '6.1.0',
    started: CUT - 3000,
    cut: CUT,
    moved: CUT + 27_000,
    back: CUT + 34_000,
    fenced: CUT + 36_000,
    settled: CUT + 50_000,
    words: 'drill: this node has lost the volume: iqn.2026-01.dev.lunkeeper:node-b has it',
    sides: { stock, lunkeeper },
    ...rest,
  }
}

const pageOf = (split: Split) => splitPage(split, splitVerdict(split))
const summaryOf = (split: Split) => summary(split, splitVerdict(split))

test('Lunkeeper keeps its promise only if its volume is intact and its node knows that it lost it', () => {
  expect(splitVerdict(splitOf())).toMatchObject({ ok: true, stockBroke: true })
  for (const broken of [
    { foreign: 1 },
    { lost: 1 },
    { lost: null },
    { damage: ['bad'] },
    { refused: [{ n: 1, at: CUT, ms: 1, error: 'EIO' }] },
    { owned: 0 },
  ])
    expect(splitVerdict(splitOf({ lunkeeper: { ...INTACT, ...broken } })).ok, JSON.stringify(broken)).toBe(
      false,
    )
  expect(splitVerdict(splitOf({ fenced: null })).ok).toBe(false)
  expect(splitVerdict(splitOf({ stock: INTACT })).stockBroke).toBe(false)
})

test('terminal and report say what reached whose volume', () => {
  for (const text of [pageOf(splitOf()), summaryOf(splitOf())]) {
    expect(text).toContain('4.3 MiB of another node')
    expect(text).toContain(
      'the former node wrote 4.3 MiB into the new owner’s volume; its file system is damaged',
    )
    expect(text).toContain('iqn.2026-01.dev.lunkeeper:node-b has it')
  }
  expect(summaryOf(splitOf())).toMatch(/✗ Stock open-iscsi.*\n.*✓ Lunkeeper/)
  expect(summaryOf(splitOf({ fenced: null }))).toContain('Lunkeeper did not keep its promise')
})

test('the report escapes what programs said, cuts a long list, and needs nothing from elsewhere', () => {
  const html = pageOf(splitOf())
  expect(html).toContain('Inode 0 &lt;has&gt; an illegal block')
  expect(html).toContain('… and 8 more')
  expect(html).not.toMatch(/<script|<link|<img|url\(|https?:|NaN|undefined|<has>/)
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  expect(new Set(ids).size).toBe(ids.length)
})

test('no name of a moment covers the one before it', () => {
  const html = pageOf(splitOf({ moved: CUT + 33_000 }))
  for (const [, drawing] of html.matchAll(/<svg [^>]*>(.*?)<\/svg>/gs)) {
    const names = [
      ...drawing!.matchAll(/class="event" x="([\d.]+)" y="(-?\d+)" text-anchor="(\w+)">([^<]*)/g),
    ]
    const spans = names.map(([, x, y, anchor, words]) => {
      const from = Number(x) - (anchor === 'end' ? words!.length * 6.6 : 0)
      return { y, from, to: from + words!.length * 6.6 }
    })
    for (const [index, one] of spans.entries()) {
      const next = spans[index + 1]
      if (next && next.y === one.y && next.from > one.from) expect(next.from).toBeGreaterThanOrEqual(one.to)
    }
  }
})
