import { ext4Mark, isMountedSince } from '../../../src/host/fs/ext4-mark.ts'
import {
  capabilitiesOf,
  reservationHolder,
  keysOf,
  registrantsOf,
} from '../../../src/host/read/reservation-data.ts'
import { serialOf, wwidOf } from '../../../src/host/read/vpd.ts'
import { parseKey } from '../../../src/model/reservation.ts'
import { parseWwid, sameWwid } from '../../../src/model/wwid.ts'
import { expectOneLine, expectThat } from '../promises.ts'
import type { Target } from '../target.ts'

const page = (code: number, ...parts: readonly (Buffer | string | number[])[]): Buffer => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as Buffer)))
  const head = Buffer.of(0, code, 0, 0)
  head.writeUInt16BE(body.length, 2)
  return Buffer.concat([head, body])
}
const designator = (kind: number, id: string | number[]): Buffer =>
  Buffer.concat([Buffer.of(1, kind, 0, Buffer.from(id as string).length), Buffer.from(id as string)])

/** Vital product data pages 80h and 83h, as a disk answers INQUIRY. */
export const vpd: Target = {
  name: 'vpd',
  reads: 'VPD pages 80h and 83h',
  longest: 512,
  seeds: () => [
    page(0x80, 'serial-0123      '),
    page(
      0x83,
      designator(0x03, [0x60, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
      designator(0x01, 'LIO-ORG disk'),
    ),
    page(0x83, designator(0x02, [1, 2, 3, 4, 5, 6, 7, 8]), designator(0x14, [0, 0, 0, 1])),
    page(0x83, designator(0x08, 'iqn.2026-01.example:db,L,0x0000000000000001\0\0')),
  ],
  words: [
    '\0\x83',
    '\0\x80',
    '\x01\x03\0\x10\x60',
    '\x01\x02\0\x08',
    '\x02\x01\0',
    '\x03\x08\0',
    'LIO-ORG ',
    'naa.',
    'eui.',
    ',L,0x',
  ],
  run(input) {
    const serial = serialOf(input)
    if (serial !== null) expectOneLine(serial)
    const wwid = wwidOf(input)
    if (wwid === null) return
    expectOneLine(wwid)
    expectThat(sameWwid(parseWwid(wwid), wwid), 'a name that is not read back')
  },
}

/** Answers to PERSISTENT RESERVE IN. */
export const reservations: Target = {
  name: 'reservations',
  reads: 'persistent reservations (READ KEYS, RESERVATION, CAPABILITIES, FULL STATUS)',
  longest: 2048,
  seeds: () => {
    const key = '4c4baaaaaaaa0001'
    const status = Buffer.from(`${key}00000000010500000000000000000034`, 'hex')
    const id = Buffer.from(
      '05000030' + Buffer.from('iqn.2026-01.example:node-a,i,0x00023d000001').toString('hex').padEnd(96, '0'),
      'hex',
    )
    return [
      Buffer.from(`0000000700000010${key}4c4bbbbbbbbb0001`, 'hex'),
      Buffer.from(`0000000700000010${key}00000000000500000000`, 'hex'),
      Buffer.from('000801ff80ea0000', 'hex'),
      Buffer.concat([Buffer.from('0000000700000048', 'hex'), status, id]),
    ]
  },
  words: ['\0\0\0\x10', '\xff\xff\xff\xff', ',i,0x', 'iqn.2026-01.', 'LK', '\x05\0'],
  run(input) {
    for (const key of keysOf(input)) expectThat(parseKey(key) === key, 'a key that is none')
    const holder = reservationHolder(input)
    expectThat(holder === null || holder.type < 16, 'a type that is none')
    expectThat(typeof capabilitiesOf(input).canPersist === 'boolean', 'capabilities')
    for (const { key, initiator } of registrantsOf(input)) {
      parseKey(key)
      if (initiator !== null) expectOneLine(initiator)
    }
  },
}

/** The start of a volume that may have an ext4. */
export const ext4: Target = {
  name: 'ext4',
  reads: 'the superblock of an ext4',
  seeds: () => {
    const head = Buffer.alloc(4096)
    head.writeUInt16LE(0xef53, 1024 + 0x38)
    head.writeUInt16LE(3, 1024 + 0x34)
    head.writeUInt32LE(1_771_000_000, 1024 + 0x2c)
    return [head, head.subarray(0, 2048)]
  },
  words: ['\x53\xef', '\0\0\0\0', '\xff\xff\xff\xff'],
  run(input) {
    const mark = ext4Mark(input)
    if (mark === null) return
    expectThat(/^[0-9a-f]{32}$/.test(mark.uuid), 'a UUID that is none')
    for (const number of [mark.mounts, mark.mountedAt, mark.checkedAt])
      expectThat(Number.isSafeInteger(number) && number >= 0, 'a number that is none')
    expectThat(!isMountedSince(mark, mark), 'it differs from itself')
  },
}
