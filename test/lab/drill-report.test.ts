import { expect, test } from 'vitest'

import { verdictOn } from '../../lab/drill/node-down/numbers.ts'
import { page } from '../../lab/drill/node-down/report/page.ts'
import { summary } from '../../lab/drill/node-down/summary.ts'
import { BROKE, drillOf, SURVIVED } from './fixture-drill.ts'

/** The average width of a letter, where it is larger than usual. */
const LETTER: Readonly<Record<string, number>> = { turn: 7.9, side: 9 }

const pageOf = (drill = drillOf(BROKE)) => page(drill, verdictOn(drill))
const summaryOf = (drill = drillOf(BROKE)) => summary(drill, verdictOn(drill))

test('the report shows which side broke, when, and how long the other paused', () => {
  for (const text of [pageOf(), summaryOf()]) {
    expect(text).toContain('A pause of 27.0')
    expect(text).toContain('broken 12.0 s into the outage, and still broken when the target was back')
    expect(text).toContain('paused, and resumed automatically 2.0 s after the return')
  }
  expect(summaryOf()).toMatch(/✗ Stock open-iscsi.*\n.*✓ Lunkeeper/)
  expect(pageOf()).toMatch(/broken after 12\.0 s<.*resumes, after one write of 27\.0 s</s)
})

test('a stock side that survived the outage is called neither broken nor repaired', () => {
  for (const text of [pageOf(drillOf(SURVIVED)), summaryOf(drillOf(SURVIVED))]) {
    expect(text).toContain('the stock side had no error either')
    expect(text).not.toMatch(/broken|repaired|✗/)
  }
  expect(pageOf()).toContain('repaired by hand')
})

test('a Lunkeeper that did not keep its promise is shown as failing', () => {
  for (const kept of [BROKE, { ...SURVIVED, lost: 1 }, { ...SURVIVED, acknowledged: BROKE.acknowledged }]) {
    const text = summaryOf(drillOf(SURVIVED, kept))
    expect(text).toContain('Lunkeeper did not keep its promise')
    expect(text).toMatch(/✗ Lunkeeper/)
  }
  expect(summaryOf(drillOf(BROKE, { ...SURVIVED, acknowledged: BROKE.acknowledged }))).toContain(
    'no error, but still waiting at the end, for 30.0 s',
  )
})

test('a volume that could not be read says why', () => {
  const stock = { ...BROKE, lost: null, trouble: 'mount: wrong fs type' }
  // however the lines are broken
  expect(summaryOf(drillOf(stock)).replaceAll(/\s+/g, ' ')).toContain(
    'Stock open-iscsi could not be read: mount: wrong fs type',
  )
})

test('there is one drawing for a desk and one for a phone, each with its words, and what the kernel said is text', () => {
  const html = pageOf()
  expect([...html.matchAll(/<svg class="(\w+)"/g)].map(([, kind]) => kind)).toEqual(['wide', 'narrow'])
  expect(html.match(/<desc /g)).toHaveLength(2)
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(html).toContain('Remounting &lt;filesystem&gt; read-only')
})

test('every word of a drawing is inside it, also when all happens at its right edge', () => {
  const late = { ...BROKE, refused: BROKE.refused.slice(-1) }
  for (const html of [pageOf(), pageOf(drillOf(late))])
    for (const [, width, drawing] of html.matchAll(/<svg [^>]*viewBox="0 0 (\d+) [^>]*>(.*?)<\/svg>/gs))
      for (const [, kind, x, anchor = 'start', words] of drawing!.matchAll(
        /<text class="(\w+)[^"]*" x="([\d.]+)" y="[^"]+"(?: text-anchor="(\w+)")?>([^<]*)</g,
      )) {
        const length = words!.length * (LETTER[kind!] ?? 6.6)
        const from = Number(x) - { start: 0, middle: length / 2, end: length }[anchor]!
        expect({ words, from: Math.min(from, 0) }).toEqual({ words, from: 0 })
        expect({ words, over: Math.max(0, from + length - Number(width) - 8) }).toEqual({ words, over: 0 })
      }
})
