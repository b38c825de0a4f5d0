import { beforeEach, expect, it } from 'vitest'

import type { Identity } from '../../../src/model/identity.ts'
import { parseWwid } from '../../../src/model/wwid.ts'
import { beginFormatting, readFormatting } from '../../../src/volumes/formatting.ts'
import type { FakeNode } from '../kubernetes/node.ts'
import { fakeNode } from '../kubernetes/node.ts'

const UUID = '11111111-2222-4333-8444-555555555555'
const named: Identity = { wwid: parseWwid('naa.600140512345678abcdef0123456789a'), serial: 'S1', bytes: 100 }
const unnamed: Identity = { ...named, wwid: null }

let node: FakeNode

beforeEach(() => {
  node = fakeNode()
})

it.each([
  ['the volume as it was', named, named, true],
  ['the volume, grown', named, { ...named, bytes: 200 }, true],
  ['the volume, smaller', named, { ...named, bytes: 50 }, false],
  ['one with another serial', named, { ...named, serial: 'S2' }, false],
  ['the volume as it was, without a WWID', unnamed, unnamed, true],
  ['one of its serial with another size, without a WWID', unnamed, { ...unnamed, bytes: 200 }, false],
])('an mkfs that was begun and cut off is known of %s: %#', (_, begun, now, isKnown) => {
  beginFormatting(node.host, begun, 'ext4', UUID)
  expect(readFormatting(node.host, now)?.uuid).toBe(isKnown ? UUID : undefined)
})
