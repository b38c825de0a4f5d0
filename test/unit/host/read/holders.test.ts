import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { hostPaths } from '../../../../src/host/paths.ts'
import { foreignHolders, holderOf, holdersOn } from '../../../../src/host/read/holders.ts'
import { temporary } from '../../temporary.ts'

/** A /sys in which each device is visible under `block` and `class/block`, as through the kernel's links. */
function machine(files: Record<string, string>) {
  const root = temporary()
  for (const [path, text] of Object.entries(files))
    for (const place of ['sys/block', 'sys/class/block']) {
      mkdirSync(dirname(join(root, place, path)), { recursive: true })
      writeFileSync(join(root, place, path), text)
    }
  return hostPaths(root)
}

const map = (device: string, name: string, uuid: string) => ({
  [`${device}/dev`]: '254:0\n',
  [`${device}/dm/name`]: `${name}\n`,
  [`${device}/dm/uuid`]: `${uuid}\n`,
})

describe('a device that stands on another is named in the terms of those who made it', () => {
  test.each([
    ['vg-data', 'LVM-abc', 'logical volume vg/data (dm-1)', 'vgchange -an vg'],
    ['my--vg-data--1', 'LVM-abc', 'logical volume my-vg/data-1 (dm-1)', 'vgchange -an my-vg'],
    ['vg-thin-tpool', 'LVM-abc-tpool', 'logical volume vg/thin-tpool (dm-1)', 'vgchange -an vg'],
    ['secret', 'CRYPT-LUKS2-0123-secret', 'dm-crypt device secret (dm-1)', 'cryptsetup close secret'],
    ['mpatha', 'mpath-36001405a', 'multipath map mpatha (dm-1)', 'multipath -f mpatha'],
    [
      'mpatha-part1',
      'part1-mpath-36001405a',
      'partition map mpatha-part1 (dm-1)',
      'dmsetup remove mpatha-part1',
    ],
    ['plain', '', 'device-mapper map plain (dm-1)', 'dmsetup remove plain'],
  ])('%s %s', (name, uuid, text, remedy) => {
    expect(holderOf(machine(map('dm-1', name, uuid)), 'dm-1')).toEqual({
      device: 'dm-1',
      map: name,
      text,
      remedy,
    })
  })

  test('a disk is not a map', () => {
    const paths = machine({})
    expect(holderOf(paths, 'md127')).toMatchObject({
      text: 'MD array md127',
      remedy: 'mdadm --stop /dev/md127',
    })
    expect(holderOf(paths, 'bcache0')).toMatchObject({ text: 'block device bcache0', remedy: null })
  })
})

test('every device on a disk, its partitions and above is found once', () => {
  const paths = machine({
    'sda/holders/dm-0': '',
    'sda/sda1/partition': '1\n',
    'sda/sda1/holders/md7': '',
    'md7/holders/dm-1': '',
    ...map('dm-0', 'lunkeeper-db', 'lunkeeper-db'),
    'dm-0/holders/dm-1': '',
    ...map('dm-1', 'vg-data', 'LVM-abc'),
  })
  expect(holdersOn(paths, ['sda']).map(({ device }) => device)).toEqual(['dm-0', 'md7', 'dm-1'])
})

test('a hold map is ours, and nothing else is', () => {
  const paths = machine({
    ...map('dm-0', 'lunkeeper-db', 'lunkeeper-db'),
    ...map('dm-1', 'vg-data', 'LVM-abc'),
  })
  const foreign = foreignHolders(paths, { holders: ['dm-0', 'dm-1', 'md7'] })
  expect(foreign.map(({ device }) => device)).toEqual(['dm-1', 'md7'])
})
