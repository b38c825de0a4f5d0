import { describe, expect, it } from 'vitest'

import {
  capabilitiesOf,
  reservationHolder,
  keysOf,
  registrantsOf,
} from '../../../../src/host/read/reservation-data.ts'

const A = '4c4baaaaaaaa0001'
const B = '4c4bbbbbbbbb0002'
const GENERATION = '00000007'

const list = (body: string) =>
  Buffer.from(`${GENERATION}${(body.length / 2).toString(16).padStart(8, '0')}${body}`, 'hex')

/** As in SPC-4 table 244. */
function descriptor(key: string, isHolder: boolean, id: Buffer): string {
  const fixed = Buffer.alloc(24)
  fixed.write(key, 0, 'hex')
  fixed[12] = isHolder ? 1 : 0
  fixed[13] = isHolder ? 5 : 0
  fixed.writeUInt32BE(id.length, 20)
  return Buffer.concat([fixed, id]).toString('hex')
}

function iscsiId(name: string, format = 0x45): Buffer {
  const text = Buffer.from(`${name}\0`)
  const padded = Buffer.concat([text, Buffer.alloc((4 - (text.length % 4)) % 4)])
  const head = Buffer.from([format, 0, 0, 0])
  head.writeUInt16BE(padded.length, 2)
  return Buffer.concat([head, padded])
}

describe('READ KEYS', () => {
  it('lists each registration', () => expect(keysOf(list(A + B + A))).toEqual([A, B, A]))
  it('is empty without registrations', () => expect(keysOf(list(''))).toEqual([]))
  it('reads no further than the data that came, nor than the list', () => {
    expect(keysOf(list(A + B).subarray(0, 20))).toEqual([A])
    expect(keysOf(Buffer.concat([list(A), Buffer.from(B, 'hex')]))).toEqual([A])
    expect(keysOf(Buffer.alloc(3))).toEqual([])
  })
})

describe('READ RESERVATION', () => {
  it('tells key and type', () =>
    expect(reservationHolder(list(`${A}0000000000050000`))).toEqual({ key: A, type: 5 }))
  it('is null without a reservation', () => expect(reservationHolder(list(''))).toBeNull())
})

describe('REPORT CAPABILITIES', () => {
  it.each([
    ['0008', '01', true],
    ['0008', '1c', false],
  ])('%s%s', (length, flags, canPersist) =>
    expect(capabilitiesOf(Buffer.from(`${length}${flags}8000000000`, 'hex'))).toEqual({ canPersist }),
  )
})

describe('READ FULL STATUS', () => {
  it('tells who registered, by name with and without the session', () => {
    const data = list(
      descriptor(A, true, iscsiId('iqn.2024-01.example:a,i,0x00023d000001')) +
        descriptor(B, false, iscsiId('iqn.2024-01.example:b', 0x05)),
    )
    expect(registrantsOf(data)).toEqual([
      { key: A, isHolder: true, initiator: 'iqn.2024-01.example:a' },
      { key: B, isHolder: false, initiator: 'iqn.2024-01.example:b' },
    ])
  })
  it('has no name for a transport that is not iSCSI', () =>
    expect(registrantsOf(list(descriptor(A, false, Buffer.alloc(24))))).toEqual([
      { key: A, isHolder: false, initiator: null },
    ]))
  it('ends where a descriptor is cut off', () =>
    expect(
      registrantsOf(list(descriptor(A, false, iscsiId('iqn.2024-01.example:a'))).subarray(0, 30)),
    ).toEqual([]))
})
