import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

import type { Host } from '../../../../src/host/host.ts'
import { disksBeneath } from '../../../../src/host/read/beneath.ts'
import { rootWith } from '../iscsi/root.ts'

const SCSI = 'sys/devices/platform/host2/session1/target2:0:0/2:0:0:5'

/** A node with an iSCSI disk sda (with a partition), a map on it, a map on that map, and a map whose disk is gone. */
function node(): Host & { readonly root: string } {
  const host = rootWith({
    [`${SCSI}/state`]: 'running\n',
    [`${SCSI}/block/sda/dev`]: '8:0\n',
    [`${SCSI}/block/sda/size`]: '131072\n',
    [`${SCSI}/block/sda/sda1/dev`]: '8:1\n',
    [`${SCSI}/block/sda/sda1/partition`]: '1\n',
    'sys/devices/virtual/block/dm-0/dev': '254:0\n',
    'sys/devices/virtual/block/dm-1/dev': '254:1\n',
    'sys/devices/virtual/block/dm-2/dev': '254:2\n',
    'sys/devices/virtual/block/vda/dev': '252:0\n',
  })
  const link = (from: string, to: string) => {
    mkdirSync(dirname(join(host.root, from)), { recursive: true })
    symlinkSync(to, join(host.root, from))
  }
  const at = {
    sda: `${SCSI.replace(/^sys/, '../..')}/block/sda`,
    sda1: `${SCSI.replace(/^sys/, '../..')}/block/sda/sda1`,
    'dm-0': '../../devices/virtual/block/dm-0',
    'dm-1': '../../devices/virtual/block/dm-1',
    'dm-2': '../../devices/virtual/block/dm-2',
    vda: '../../devices/virtual/block/vda',
  }
  const numbers = { sda: '8:0', sda1: '8:1', 'dm-0': '254:0', 'dm-1': '254:1', 'dm-2': '254:2', vda: '252:0' }
  for (const [name, path] of Object.entries(at)) {
    link(`sys/class/block/${name}`, path)
    link(`sys/dev/block/${numbers[name as keyof typeof numbers]}`, path)
  }
  link('sys/class/iscsi_session/session1/device', '../../../devices/platform/host2/session1')
  for (const [map, slave] of [
    ['dm-0', 'sda'],
    ['dm-1', 'dm-0'],
    ['dm-2', 'sdz'],
  ] as const) {
    const slaves = join(host.root, `sys/devices/virtual/block/${map}/slaves`)
    mkdirSync(slaves, { recursive: true })
    writeFileSync(join(slaves, slave), '')
  }
  return host
}

const names = (host: Host, devno: string) => disksBeneath(host.paths, devno).disks.map(({ name }) => name)

test.each(['8:0', '8:1', '254:0', '254:1'])(
  'the disk beneath %s is found, through partitions and maps',
  (devno) => {
    const host = node()
    expect(names(host, devno)).toEqual(['sda'])
    expect(disksBeneath(host.paths, devno).isUnreachable).toBe(false)
  },
)

test('a device that is gone, and a map whose disk is gone, reach no target', () => {
  const host = node()
  expect(disksBeneath(host.paths, '8:99')).toMatchObject({ disks: [], isUnreachable: true })
  expect(disksBeneath(host.paths, '254:2')).toMatchObject({ disks: [], isUnreachable: true })
})

test('a disk of another kind is not an iSCSI disk, and is not unreachable', () => {
  const host = node()
  expect(disksBeneath(host.paths, '252:0')).toMatchObject({ disks: [], isUnreachable: false })
})
