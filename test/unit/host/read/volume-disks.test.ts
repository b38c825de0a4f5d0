import { expect, test } from 'vitest'

import { readVolumeDisks } from '../../../../src/host/read/volume-disks.ts'
import { parseWwid } from '../../../../src/model/wwid.ts'
import { lay, recorded } from './tree.ts'

const E3 = parseWwid('naa.6001405e300000000000000000000000')
const names = (identity: Parameters<typeof readVolumeDisks>[1]) =>
  readVolumeDisks(lay(recorded('bookworm-two-portals')), identity).map(({ name }) => name)

test('all disks of one volume are found, whatever their session', () => {
  expect(names({ wwid: E3, serial: null, bytes: 1 }).toSorted()).toEqual(['sdc', 'sdd'])
  const [twin] = readVolumeDisks(lay(recorded('bookworm-two-portals')), { wwid: E3, serial: null, bytes: 1 })
  expect(twin).toMatchObject({ state: 'running', devno: expect.stringMatching(/^8:\d+$/) })
})

test('a disk of another serial, and any disk of a volume without a WWID, is not one', () => {
  expect(names({ wwid: E3, serial: 'another', bytes: 1 })).toEqual([])
  expect(names({ wwid: null, serial: 'serial300', bytes: 1 })).toEqual([])
})

test('a disk of another bus counts: the array may be reached by Fibre Channel, too', () => {
  const tree = new Map([
    ['sys/block/sdx/device/wwid', ' = "naa.6001405e300000000000000000000000\\n"'],
    ['sys/block/sdx/device/state', ' = "running\\n"'],
    ['sys/block/sdx/dev', ' = "65:112\\n"'],
    ['sys/block/sdx/sdx1/dev', ' = "65:113\\n"'],
    ['sys/block/nvme0n1/dev', ' = "259:0\\n"'],
  ])
  expect(readVolumeDisks(lay(tree), { wwid: E3, serial: 'S', bytes: 1 })).toEqual([
    {
      name: 'sdx',
      devno: '65:112',
      state: 'running',
      holders: [],
      partitions: [{ name: 'sdx1', devno: '65:113' }],
    },
  ])
})
