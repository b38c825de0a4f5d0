import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { entries, nodeDatabase } from '../../../../src/host/iscsi/database.ts'
import { rootWith } from './root.ts'

/** A program with a path compiled in, as `strings` would show it. */
const iscsiadm = (place: string) =>
  Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0]), Buffer.from(`...\0/${place}/nodes\0...`)])

const both = { 'etc/iscsi/nodes/old/x': '', 'var/lib/iscsi/nodes/new/x': '' }

test.each([
  ['Debian 12', 'etc/iscsi', 'usr/sbin/iscsiadm'],
  ['Debian 13', 'var/lib/iscsi', 'usr/sbin/iscsiadm'],
  ['a machine without a merged /usr', 'etc/iscsi', 'sbin/iscsiadm'],
  ['another place', 'var/lib/iscsi', 'usr/bin/iscsiadm'],
])('nodeDatabase is the directory that the program uses if both exist: %s', (_, place, program) => {
  const host = rootWith({ ...both, [program]: iscsiadm(place) })
  expect(nodeDatabase(host)).toBe(join(host.root, place, 'nodes'))
})

test.each([
  ['only the old one is there', { 'etc/iscsi/nodes/x/y': '' }, 'etc/iscsi'],
  ['only the new one is there', { 'var/lib/iscsi/nodes/x/y': '' }, 'var/lib/iscsi'],
  ['none is there', {}, 'var/lib/iscsi'],
  [
    'a wrapper script as the program',
    { 'etc/iscsi/nodes/x/y': '', 'usr/sbin/iscsiadm': '#!/bin/sh\nexec chroot /host iscsiadm "$@"\n' },
    'etc/iscsi',
  ],
])(
  'nodeDatabase is the existing directory if the program file does not name one: %s',
  (_, files: Record<string, string>, place) => {
    const host = rootWith(files)
    expect(nodeDatabase(host)).toBe(join(host.root, place, 'nodes'))
  },
)

test('two hosts in one process do not share a cached answer', () => {
  const [one, two] = [rootWith({ 'usr/sbin/iscsiadm': iscsiadm('etc/iscsi') }), rootWith({})]
  expect(nodeDatabase(one)).toBe(join(one.root, 'etc/iscsi/nodes'))
  expect(nodeDatabase(two)).toBe(join(two.root, 'var/lib/iscsi/nodes'))
  writeFileSync(join(one.root, 'usr/sbin/iscsiadm'), iscsiadm('var/lib/iscsi'))
  expect(nodeDatabase(one)).toBe(join(one.root, 'etc/iscsi/nodes'))
})

test('entries returns the sorted names in a directory, or nothing', () => {
  const host = rootWith({ 'a/2': '', 'a/10': '' })
  mkdirSync(join(host.root, 'a/1'))
  expect(entries(join(host.root, 'a'))).toEqual(['1', '10', '2'])
  expect(entries(join(host.root, 'none'))).toEqual([])
})
