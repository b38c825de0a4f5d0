import { expect, it } from 'vitest'

import { withoutCopies } from '../../../../src/host/read/mount-copies.ts'
import { readMounts } from '../../../../src/host/read/mounts.ts'
import { lay, nothing } from './tree.ts'

const ROOT = '1 0 254:1 / / rw shared:1 - ext4 /dev/vda1 rw'
/** The kubelet's directory is on another disk, and bind-mounted. */
const DISK = '2 1 254:2 / /data rw shared:2 - ext4 /dev/vdb rw'
const KUBELET = '3 1 254:2 /kubelet /var/lib/kubelet rw shared:2 - ext4 /dev/vdb rw'

/** @returns where the device 253:0 is mounted, without copies */
function points(table: readonly string[], ...at: string[]): string[] {
  const paths = lay(nothing, { 'proc/1/mountinfo': `${table.join('\n')}\n` })
  const mounts = readMounts(paths).filter(({ devno }) => devno === '253:0')
  return withoutCopies(paths, mounts, at).map(({ point }) => point)
}

const mount = (id: number, parent: number, point: string, tags = 'shared:9', root = '/') =>
  `${id} ${parent} 253:0 ${root} ${point} rw ${tags} - ext4 /dev/dm-0 rw`

const staged = mount(4, 3, '/var/lib/kubelet/staged')
const copy = mount(5, 2, '/data/kubelet/staged')

it('a mount below a directory that is bind-mounted counts once, at the point that matters', () => {
  const table = [ROOT, DISK, KUBELET, staged, copy]
  expect(points(table)).toEqual(['/var/lib/kubelet/staged'])
  expect(points(table, '/data/kubelet/staged')).toEqual(['/data/kubelet/staged'])
  expect(points([ROOT, DISK, KUBELET, copy, staged], '/var/lib/kubelet/staged')).toEqual([
    '/var/lib/kubelet/staged',
  ])
})

it('a mount elsewhere counts too, and so does a bind mount of it', () => {
  const elsewhere = mount(6, 1, '/mnt/db')
  const pod = [mount(7, 3, '/var/lib/kubelet/pod'), mount(8, 2, '/data/kubelet/pod')]
  expect(points([ROOT, DISK, KUBELET, staged, copy, elsewhere, ...pod])).toEqual([
    '/var/lib/kubelet/staged',
    '/mnt/db',
    '/var/lib/kubelet/pod',
  ])
})

it('a part of the file system in the same place is not a copy', () => {
  const part = mount(5, 2, '/data/kubelet/staged', 'shared:9', '/sub')
  expect(points([ROOT, DISK, KUBELET, staged, part])).toEqual([
    '/var/lib/kubelet/staged',
    '/data/kubelet/staged',
  ])
})

it('a private bind mount shows no copies: each unmount is one', () => {
  const kubelet = KUBELET.replace('shared:2 ', '')
  expect(points([ROOT, DISK, kubelet, staged, copy])).toHaveLength(2)
})

it('what only receives events goes with the mount that sends them, and not the other way round', () => {
  const slave = KUBELET.replace('shared:2', 'master:2')
  const table = [ROOT, DISK, slave, staged, copy]
  expect(points(table)).toEqual(['/data/kubelet/staged'])
  expect(points(table, '/var/lib/kubelet/staged')).toEqual([
    '/var/lib/kubelet/staged',
    '/data/kubelet/staged',
  ])
})

it('a copy of a copy goes, too', () => {
  const second = '10 1 254:2 /kubelet /second rw shared:5 master:2 - ext4 /dev/vdb rw'
  const third = '11 1 254:2 /kubelet /third rw master:5 - ext4 /dev/vdb rw'
  const table = [ROOT, DISK, second, third, mount(12, 2, '/data/kubelet/staged')]
  expect(points([...table, mount(13, 10, '/second/staged'), mount(14, 11, '/third/staged')])).toEqual([
    '/data/kubelet/staged',
  ])
})

it('an event also goes over a mount that does not show the place itself', () => {
  // /b is a slave of /data, and /c of /b; /d is a part of /b that remains after /b was unmounted.
  const part = '10 1 254:2 /a /d rw shared:5 master:2 - ext4 /dev/vdb rw'
  const third = '11 1 254:2 / /c rw master:5 - ext4 /dev/vdb rw'
  const table = [ROOT, DISK, part, third, mount(12, 2, '/data/x'), mount(13, 11, '/c/x')]
  expect(points(table)).toEqual(['/data/x'])
})

it('a copy with a mount below it stays, and so counts', () => {
  const slave = KUBELET.replace('shared:2', 'master:2')
  const below = '20 4 0:50 / /var/lib/kubelet/staged/sub rw - tmpfs none rw'
  expect(points([ROOT, DISK, slave, staged, copy, below])).toHaveLength(2)
  // What is mounted on the copy itself goes to the directory below.
  const onTop = '20 4 0:50 / /var/lib/kubelet/staged rw - tmpfs none rw'
  expect(points([ROOT, DISK, slave, staged, copy, onTop])).toEqual(['/data/kubelet/staged'])
})

it('points that matter are kept, also if one is a copy of the other', () => {
  const both = ['/var/lib/kubelet/staged', '/data/kubelet/staged']
  expect(points([ROOT, DISK, KUBELET, staged, copy], ...both)).toEqual(both)
})
