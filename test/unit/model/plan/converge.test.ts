import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Content } from './fake-node.ts'
import { EVENTS, FakeNode } from './fake-node.ts'

const content = fc.constantFrom<Content>('blank', 'written', { uuid: 'foreign' })
const options = fc.record({
  contents: fc.record({ A: content, B: content }),
  format: fc.boolean(),
  expected: fc.constantFrom<'A' | 'B' | null>('A', 'B', null),
})
const event = fc.constantFrom(...EVENTS)
/** Several attaches, each with the events during it, and the events before the next one. */
const history = fc.array(
  fc.record({ before: fc.array(event, { maxLength: 3 }), during: fc.array(event, { maxLength: 12 }) }),
  { maxLength: 6 },
)

function live(node: FakeNode, past: History): void {
  for (const { before, during } of past) {
    for (const what of before) node.happen(what)
    node.attach([...during])
  }
}
type History = { readonly before: (typeof EVENTS)[number][]; readonly during: (typeof EVENTS)[number][] }[]

/** The end state that this node must reach once nothing prevents it any more. */
function endOf(node: FakeNode): string {
  const { mapped, asked, learned, use, volumes, formatting, begun } = node
  if (!mapped) return 'lun-absent'
  const wwid = asked.wwid ?? learned?.wwid
  if (wwid && !wwid.endsWith(mapped.toLowerCase())) return 'mismatch'
  const { content } = volumes[mapped]
  if (node.mounted) return `mounted ${mapped}`
  if (content === 'blank') return use.format ? `mounted ${mapped}` : 'NO_FILESYSTEM'
  if (content === 'written') return use.format ? 'NOT_BLANK' : 'NO_FILESYSTEM'
  if (content === 'half-made' || content.half) {
    if (!use.format) return 'NO_FILESYSTEM'
    return begun?.begun.isRecent ? `mounted ${mapped}` : 'NOT_BLANK'
  }
  return use.format && content.uuid !== formatting?.uuid ? 'NOT_BLANK' : `mounted ${mapped}`
}

test('whatever happens: it ends, formats only what is blank and once, drops and takes no foreign disk', () => {
  fc.assert(
    fc.property(options, history, (options, past) => {
      const node = new FakeNode(options)
      live(node, past)
      const { A, B } = node.volumes
      expect(A.formats + B.formats).toBeLessThanOrEqual(1)
      const kept = (['A', 'B'] as const).filter((id) => options.contents[id] !== 'blank')
      expect(kept.map((id) => node.volumes[id].content)).toEqual(kept.map((id) => options.contents[id]))
    }),
    { numRuns: 10_000 },
  )
})

test('from wherever it was left, the next undisturbed attach comes to the one right end, and the one after it does nothing', () => {
  fc.assert(
    fc.property(options, history, (options, past) => {
      const node = new FakeNode(options)
      live(node, past)
      node.reachable = true
      if (node.session) node.session = 'LOGGED_IN'
      const end = endOf(node)
      expect(node.attach([])).toBe(end)
      const { changes } = node
      expect(node.attach([])).toBe(end)
      expect(node.changes).toBe(changes)
    }),
    { numRuns: 10_000 },
  )
})
