import { describe, expect, it } from 'vitest'

import type { Lsn, XfsLog } from '../../../../src/host/fs/xfs-log.ts'
import {
  compareLsn,
  hasForeignRecord,
  LOG_SECTOR,
  parseLsn,
  partsAround,
  recordsIn,
  xfsLog,
} from '../../../../src/host/fs/xfs-log.ts'

const UUID = 'ab'.repeat(16)
const at = (cycle: number, block: number): Lsn => ({ cycle, block })

function superblock({ start = (2n << 16n) + 6n, magic = 0x58465342 } = {}): Buffer {
  const bytes = Buffer.alloc(4096)
  bytes.writeUInt32BE(magic, 0)
  bytes.writeUInt32BE(4096, 4)
  bytes.write(UUID, 32, 'hex')
  bytes.writeBigUInt64BE(start, 48)
  bytes.writeUInt32BE(50_000, 84)
  bytes.writeUInt32BE(2560, 96)
  bytes[124] = 16
  return bytes
}

/** A log of `blocks` sectors with these records. */
function logWith(
  records: readonly { readonly lsn: Lsn; readonly tail: Lsn; readonly uuid?: string }[],
): Buffer {
  const bytes = Buffer.alloc(256 * LOG_SECTOR)
  for (const { lsn, tail, uuid = UUID } of records) {
    const sector = bytes.subarray(lsn.block * LOG_SECTOR)
    sector.writeUInt32BE(0xfeedbabe, 0)
    for (const [offset, { cycle, block }] of [
      [16, lsn],
      [24, tail],
    ] as const) {
      sector.writeUInt32BE(cycle, offset)
      sector.writeUInt32BE(block, offset + 4)
    }
    sector.write(uuid, 304, 'hex')
  }
  return bytes
}

describe('xfsLog', () => {
  it('finds the log behind its allocation group', () =>
    expect(xfsLog(superblock())).toEqual({
      uuid: UUID,
      offset: (2 * 50_000 + 6) * 4096,
      bytes: 2560 * 4096,
    }))
  it.each([
    ['no xfs', superblock({ magic: 1 })],
    ['a log on another device', superblock({ start: 0n })],
    ['too little', Buffer.alloc(100)],
  ])('is null for %s', (_, bytes) => expect(xfsLog(bytes)).toBeNull())
})

it.each([
  ['5:1184\n', at(5, 1184)],
  ['0:0', at(0, 0)],
  ['', null],
  [null, null],
  ['5', null],
  ['-1:4', null],
])('%j is the position %j', (text, expected) => expect(parseLsn(text)).toEqual(expected))

it('a position is later by its cycle first', () => {
  expect(compareLsn(at(2, 1), at(1, 900))).toBeGreaterThan(0)
  expect(compareLsn(at(2, 1), at(2, 2))).toBeLessThan(0)
  expect(compareLsn(at(2, 2), at(2, 2))).toBe(0)
})

describe('partsAround', () => {
  const log: XfsLog = { uuid: UUID, offset: 0, bytes: 10 << 20 }
  const buffers = 256 << 10
  const covers = (parts: ReturnType<typeof partsAround>, byte: number) =>
    parts.some(({ offset, length }) => byte >= offset && byte < offset + length)

  it.each([0, 7, 1000, 10_000, (10 << 11) - 1])(
    'has what is in the buffers before sector %i, and what is behind it',
    (block) => {
      const parts = partsAround(at(3, block), log, buffers)
      const wrap = (byte: number) => (byte + log.bytes) % log.bytes
      for (const byte of [-buffers, -512, 0, 512, 60 << 10])
        expect(covers(parts, wrap(block * LOG_SECTOR + byte)), `${byte}`).toBe(true)
      for (const { offset, length } of parts) {
        expect(offset % 4096).toBe(0)
        expect(length % 4096).toBe(0)
        expect(offset + length).toBeLessThanOrEqual(log.bytes)
      }
    },
  )

  it('covers at most the whole log, each byte once', () => {
    const parts = partsAround(at(3, 5000), log, 64 << 20)
    expect(parts.reduce((sum, { length }) => sum + length, 0)).toBe(log.bytes)
  })
})

describe('recordsIn', () => {
  it('reads the records of this file system only', () => {
    const mine = { lsn: at(4, 8), tail: at(3, 100) }
    const log = logWith([mine, { lsn: at(4, 16), tail: at(4, 8), uuid: 'cd'.repeat(16) }])
    expect(recordsIn(log, UUID)).toEqual([mine])
  })

  it('accepts a log that is cut off anywhere', () => {
    const log = logWith([{ lsn: at(4, 8), tail: at(3, 100) }])
    for (const length of [0, 3, 511, 8 * LOG_SECTOR + 40])
      expect(recordsIn(log.subarray(0, length), UUID)).toEqual([])
  })
})

describe('hasForeignRecord', () => {
  // This node: everything up to sector 100 is on the disk; the next two records are in memory, or arrived
  // unconfirmed.
  const own = { head: at(4, 120), tail: at(4, 60) }
  const arrived = [
    { lsn: at(4, 80), tail: at(4, 40) },
    { lsn: at(4, 100), tail: at(4, 60) },
    { lsn: at(4, 110), tail: at(4, 60) },
    { lsn: at(3, 150), tail: at(3, 90) },
  ]
  it.each([
    ['only records of this node, old and new', [], false],
    ['a record where this node would write next', [{ lsn: at(4, 120), tail: at(4, 60) }], true],
    ['a record of the next cycle', [{ lsn: at(5, 3), tail: at(4, 50) }], true],
    ['a record at the end of what arrived, after a recovery', [{ lsn: at(4, 110), tail: at(4, 100) }], true],
  ])('%s', (_, more, expected) => expect(hasForeignRecord([...arrived, ...more], own)).toBe(expected))
})
