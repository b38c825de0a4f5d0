import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isMountPoint, mountAt, parseMountTable, readMounts } from '../../../../src/host/read/mounts.ts'
import { lay, nothing, recorded } from './tree.ts'

const parse = (table: string) => parseMountTable(table).map(({ mount }) => mount)

test.for(['bookworm', 'trixie'])(
  '%s: a mount and a bind mount of a part of it are read with their options',
  (debian) => {
    const mounts = readMounts(lay(recorded(`${debian}-in-use`)))
    const ofDisk = mounts.filter(({ devno }) => devno === '8:16')
    expect(ofDisk.map(({ point, root, fs, source }) => [point, root, fs, source])).toEqual([
      ['/mnt/v1', '/', 'ext4', '/dev/sdb'],
      ['/mnt/with space', '/sub', 'ext4', '/dev/sdb'],
    ])
    expect(ofDisk[0]?.options).toEqual(['rw', 'noatime'])
    expect(ofDisk[0]?.superOptions).toContain('stripe=8192')
    expect(mounts.find(({ fs }) => fs === 'xfs')).toMatchObject({
      point: '/mnt/xfs',
      devno: '8:1',
      source: '/dev/sda1',
    })
  },
)

test('blanks, tabs, newlines, backslashes and # in names are unescaped', () => {
  const [mount] = parse(String.raw`36 35 98:0 /a\040b /c\011\012\134\043d rw - ext4 /dev/x\040y rw`)
  expect(mount).toMatchObject({ root: '/a b', point: '/c\t\n\\#d', source: '/dev/x y' })
})

test('an escaped backslash begins no other escape', () => {
  expect(parse(String.raw`36 35 98:0 / /a\134040b rw - ext4 /dev/x rw`)[0]?.point).toBe(String.raw`/a\040b`)
})

test('characters of other scripts are left as they are', () => {
  expect(parse('36 35 98:0 / /mnt/größe rw - ext4 /dev/x rw')[0]?.point).toBe('/mnt/größe')
})

test('the separator is found after no optional field and after many', () => {
  for (const fields of ['', 'shared:1 ', 'shared:1 master:2 propagate_from:3 unbindable '])
    expect(parse(`36 35 98:0 / /p rw ${fields}- ext4 /dev/x rw`)[0]).toMatchObject({
      fs: 'ext4',
      source: '/dev/x',
    })
})

test('a mount point or a source that is a dash does not shift the fields', () => {
  expect(parse('36 35 98:0 / /- rw shared:1 - tmpfs - rw')[0]).toMatchObject({
    point: '/-',
    fs: 'tmpfs',
    source: '-',
  })
})

test('a file system without a source is read', () => {
  expect(parse('36 35 0:9 / /p rw - tmpfs  rw,size=1k')[0]).toMatchObject({
    source: '',
    superOptions: ['rw', 'size=1k'],
  })
})

test('two mounts on one point keep their order', () => {
  const table = '36 35 8:0 / /p rw - ext4 /dev/sda rw\n37 36 8:16 / /p rw - ext4 /dev/sdb rw\n'
  expect(parse(table).map(({ source }) => source)).toEqual(['/dev/sda', '/dev/sdb'])
})

test('the peer groups of a mount are those that propagate to it', () => {
  expect(
    parseMountTable('36 35 8:0 / /p rw shared:4 master:5 propagate_from:6 - ext4 /dev/sda rw')[0],
  ).toMatchObject({
    id: 36,
    parent: 35,
    shared: 4,
    follows: [4, 5, 6],
  })
})

test.for([
  '',
  '-',
  '36 35',
  '36 35 98:0 / /p rw',
  '36 35 98:0 / /p rw -',
  '36 35 98:0 / /p rw - ext4',
  '36 35 9.8 / /p rw - ext4 /dev/x rw',
  '36 35 98:0 / p rw - ext4 /dev/x rw',
  'x 35 98:0 / /p rw - ext4 /dev/x rw',
  '36 35 98:0 / /p - ext4 /dev/x rw',
])('a line that makes no sense is left out: %j', (line) => {
  expect(parse(`${line}\n36 35 8:0 / /good rw - ext4 /dev/sda rw\n`).map(({ point }) => point)).toEqual([
    '/good',
  ])
})

test('no text makes the parser throw', () => {
  const words = fc.constantFrom('36', '8:0', '/', '/p', 'rw', '-', 'ext4', '', 'shared:1', '\\040', '\\9')
  const text = fc.array(words, { maxLength: 14 }).map((parts) => parts.join(' '))
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), (line) => {
      expect(parse(line).length).toBeLessThanOrEqual(line.split('\n').length)
    }),
  )
})

test('a table of many pages is read to its end', () => {
  const lines = Array.from({ length: 3000 }, (_, at) => `${at} 1 8:0 / /mnt/${at} rw - ext4 /dev/sda rw`)
  const mounts = readMounts(lay(nothing, { 'proc/1/mountinfo': `${lines.join('\n')}\n` }))
  expect(mounts.length).toBe(3000)
  expect(mounts.at(-1)?.point).toBe('/mnt/2999')
})

test('an absent table is empty', () => {
  expect(readMounts(lay(nothing))).toEqual([])
})

test.each([
  ['a mount point', ['/mnt/v'], true],
  ['a mount beneath it does not hide it', ['/mnt/v', '/mnt/v/sub', '/mnt/vx'], true],
  ['a later mount on a directory above hides it', ['/mnt/v', '/mnt'], false],
  ['a later mount of the root hides it', ['/mnt/v', '/'], false],
  ['mounted again after what hid it', ['/mnt/v', '/mnt', '/mnt/v'], true],
  ['nothing is mounted there', ['/mnt', '/mnt/v/sub'], false],
])('%s', (_, points, expected) => {
  const lines = ['/', ...points].map((point, at) => `${at} 1 8:${at} / ${point} rw - ext4 /dev/sda rw`)
  const paths = lay(nothing, { 'proc/1/mountinfo': `${lines.join('\n')}\n` })
  expect(isMountPoint(paths, '/mnt/v')).toBe(expected)
})

test('of several mounts at a point the one on top is visible, also if another was put below it later', () => {
  const at = (...lines: string[]) =>
    mountAt(lay(nothing, { 'proc/1/mountinfo': `${lines.join('\n')}\n` }), '/x')?.source
  const first = '10 1 8:0 / /x rw - ext4 /dev/first rw'
  expect(at(first, '20 10 8:16 / /x rw - ext4 /dev/second rw')).toBe('/dev/second')
  expect(at('10 20 8:0 / /x rw - ext4 /dev/first rw', '20 1 8:16 / /x rw - ext4 /dev/below rw')).toBe(
    '/dev/first',
  )
})
