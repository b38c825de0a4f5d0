import { describe, expect, it } from 'vitest'

import type { Attachment } from '../../../src/model/attachment.ts'
import { parseKey } from '../../../src/model/reservation.ts'
import { isHoldCapped, safeHold } from '../../../src/model/safe-hold.ts'

type Record = Parameters<typeof safeHold>[0]

const fence = { key: parseKey('4c4baaaaaaaa0001'), persists: true }
function record(
  wanted: number | 'forever',
  change: Partial<Record> = {},
  request: object = {},
  readOnly = false,
): Record {
  const asked = { hold: { wanted, mode: 'auto' }, use: { readOnly }, ...request }
  return { request: asked as Attachment['request'], orchestrator: 'csi', ...change }
}

describe('safeHold', () => {
  it.each([
    ['an unguarded volume of Kubernetes, held forever', record('forever'), 300, true],
    ['an unguarded volume of Kubernetes', record(600), 300, true],
    ['one whose hold is short', record(60), 60, false],
    ['one whose hold is as long as it may be', record(300), 300, false],
    ['one that the target guards', record('forever', { fence }), 'forever', false],
    ['one that no orchestrator gives away', record('forever', { orchestrator: undefined }), 'forever', false],
    ['one whose nodes something else fences', record(600, {}, { fence: 'off' }), 600, false],
    ['a shared one, which nothing guards', record(600, {}, { shared: true }), 300, true],
    ['a shared one attached by hand', record(600, { orchestrator: undefined }, { shared: true }), 600, false],
    ['a read-only one', record(600, {}, {}, true), 600, false],
  ] as const)('%s', (_, known, expected, capped) => {
    expect(safeHold(known)).toBe(expected)
    expect(isHoldCapped(known)).toBe(capped)
  })
})
