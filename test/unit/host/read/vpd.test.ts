import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { serialOf, wwidOf } from '../../../../src/host/read/vpd.ts'
import { recorded } from './tree.ts'

const page83 = (...designators: Buffer[]) => page(0x83, Buffer.concat(designators))
const page80 = (text: string) => page(0x80, Buffer.from(text, 'latin1'))

function page(code: number, body: Buffer): Buffer {
  const header = Buffer.from([0, code, 0, 0])
  header.writeUInt16BE(body.length, 2)
  return Buffer.concat([header, body])
}

const designator = (kind: number, id: Buffer) => Buffer.concat([Buffer.from([1, kind, 0, id.length]), id])
const naa = (hex: string) => designator(0x03, Buffer.from(hex, 'hex'))
const eui = (hex: string) => designator(0x02, Buffer.from(hex, 'hex'))
const t10 = (text: string) => designator(0x01, Buffer.from(text, 'latin1'))
const name = (text: string) => designator(0x08, Buffer.from(text))

const NAA6 = '6001405e300000000000000000000000'
const NAA5 = '5001405e30000000'
const NAA3 = '3001405e30000000'
const EUI8 = '0011223344556677'
const EUI12 = `${EUI8}8899aabb`
const EUI16 = `${EUI12}ccddeeff`
const LONG_NAME = 'iqn.2026-11.example:store,L,0x6001405e30000000'

test('the name is the one that real kernels show for the same page', () => {
  const pairs: [string, string | null][] = []
  for (const recording of ['bookworm-two-portals', 'trixie-two-portals', 'bookworm-in-use', 'trixie-away']) {
    const tree = recorded(recording)
    for (const [path, what] of tree) {
      if (!path.endsWith('/vpd_pg83')) continue
      const shown = tree.get(path.replace('vpd_pg83', 'wwid')) ?? ''
      pairs.push([JSON.parse(shown.slice(3)).trim(), wwidOf(Buffer.from(what.slice(3), 'hex'))])
    }
  }
  expect(pairs.length).toBeGreaterThan(10)
  for (const [kernel, ours] of pairs) expect(ours).toBe(kernel)
})

// The kernel's order (scsi_lib.c:designator_prio), best first.
const RANKS = [
  ['name string', name(LONG_NAME), LONG_NAME],
  ['NAA 6', naa(NAA6), `naa.${NAA6}`],
  ['EUI 16', eui(EUI16), `eui.${EUI16}`],
  ['EUI 12', eui(EUI12), `eui.${EUI12}`],
  ['NAA 5', naa(NAA5), `naa.${NAA5}`],
  ['EUI 8', eui(EUI8), `eui.${EUI8}`],
  ['T10', t10('VENDOR  model serial'), 't10.VENDOR_model_serial'],
] as const

for (const [at, [better, strong, wwid]] of RANKS.entries())
  for (const [worse, weak] of RANKS.slice(at + 1))
    test(`${better} is preferred to ${worse}, in whatever order they come`, () => {
      expect(wwidOf(page83(strong, weak))).toBe(wwid)
      expect(wwidOf(page83(weak, strong))).toBe(wwid)
    })

test('among equal designators the later one wins', () => {
  expect(wwidOf(page83(naa(NAA6), naa(NAA6.replace('e3', 'e4'))))).toBe(`naa.${NAA6.replace('e3', 'e4')}`)
})

test('a text that is shorter than what there is does not count, as in the kernel', () => {
  const short = name('naa.3,L,0x1')
  expect(wwidOf(page83(naa(NAA6), short))).toBe(`naa.${NAA6}`)
  expect(wwidOf(page83(short))).toBe('naa.3,L,0x1')
  expect(wwidOf(page83(t10('LONG    one and only'), t10('SHORT')))).toBe('t10.LONG_one_and_only')
})

test('a name string comes without the zeros that fill it up', () => {
  expect(wwidOf(page83(name(`naa.${NAA6.toUpperCase()}\0\0\0`)))).toBe(`naa.${NAA6}`)
  expect(wwidOf(page83(name(`${LONG_NAME}\0`)))).toBe(LONG_NAME)
})

test('T10 and locally assigned NAA are of one rank', () => {
  expect(wwidOf(page83(t10('ABC'), naa(NAA3)))).toBe(`naa.${NAA3}`)
  expect(wwidOf(page83(naa(NAA3), t10('LONGER THAN 8')))).toBe('t10.LONGER_THAN_8')
})

test('the name of a port or of the target is not the name of the unit', () => {
  for (const association of [0x10, 0x20, 0x30]) {
    expect(wwidOf(page83(designator(0x03 | association, Buffer.from(NAA6, 'hex'))))).toBeNull()
    expect(wwidOf(page83(designator(0x03 | association, Buffer.from(NAA6, 'hex')), naa(NAA5)))).toBe(
      `naa.${NAA5}`,
    )
  }
})

test('relative port, port group and vendor designators name nothing', () => {
  for (const kind of [0x0, 0x4, 0x5, 0x6, 0x7, 0xa])
    expect(wwidOf(page83(designator(kind, Buffer.from(NAA6, 'hex'))))).toBeNull()
})

test('a malformed NAA takes the rank and leaves the name, as in the kernel', () => {
  expect(wwidOf(page83(eui(EUI16), designator(0x03, Buffer.from('6001405e3000', 'hex')), naa(NAA5)))).toBe(
    `eui.${EUI16}`,
  )
  expect(wwidOf(page83(designator(0x03, Buffer.from('6001405e3000', 'hex'))))).toBeNull()
})

test('bytes that do not print are escaped as the kernel does', () => {
  expect(wwidOf(page83(t10('LIO-ORG FILEIO:x\0')))).toBe('t10.LIO-ORG_FILEIO:x\\0')
  expect(wwidOf(page83(t10('A\t\x01\x7fB')))).toBe('t10.A\\t\\001\\177B')
})

test('a page cut short or of another kind names nothing', () => {
  const whole = page83(naa(NAA6))
  expect(wwidOf(whole)).toBe(`naa.${NAA6}`)
  for (let length = 0; length < whole.length; length++) expect(wwidOf(whole.subarray(0, length))).toBeNull()
  expect(wwidOf(page(0x80, naa(NAA6)))).toBeNull()
})

test('what follows the page in the buffer of an INQUIRY is not read', () => {
  expect(wwidOf(Buffer.concat([page83(naa(NAA5)), naa(NAA6)]))).toBe(`naa.${NAA5}`)
  expect(serialOf(Buffer.concat([page80('abc'), Buffer.from('xyz')]))).toBe('abc')
})

test('a serial comes without its padding', () => {
  expect(serialOf(page80('  volume 7 \0\0'))).toBe('volume 7')
  expect(serialOf(page80('ser\0ial'))).toBe('ser ial')
})

test('an empty serial is none', () => {
  for (const none of [
    page80(''),
    page80('    '),
    page80('\0'),
    page(0x83, Buffer.from('abc')),
    Buffer.alloc(0),
    Buffer.alloc(3),
  ])
    expect(serialOf(none)).toBeNull()
})

test('no bytes make the parsers throw', () => {
  const body = fc.uint8Array({ maxLength: 300 })
  const anything = fc.oneof(
    body,
    body.map((bytes) => page(0x83, Buffer.from(bytes))),
    body.map((bytes) => page(0x80, Buffer.from(bytes))),
  )
  fc.assert(
    fc.property(anything, (bytes) => {
      expect(wwidOf(Buffer.from(bytes)) ?? '').toBeTypeOf('string')
      expect(serialOf(Buffer.from(bytes)) ?? '').toBeTypeOf('string')
    }),
    { numRuns: 2000 },
  )
})
