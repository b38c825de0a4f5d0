import { expect, it } from 'vitest'

import { affectedObjectsOf } from '../../../../src/kubernetes/events/affected-objects.ts'
import { fakeNode, published, staged, targetOf } from '../node.ts'

const PLUGINS = '/var/lib/kubelet/plugins/kubernetes.io/csi'

it('the pods and the PersistentVolume of a file system are found by its mounts', () => {
  const { host, mounts, file } = fakeNode()
  file(`${PLUGINS}/iscsi.csi.lunkeeper/hash/vol_data.json`, '{"driverName":"x","volumeHandle":"h"}')
  mounts(
    `253:0 / ${PLUGINS}/iscsi.csi.lunkeeper/hash/globalmount rw - ext4 /dev/mapper/x rw`,
    published('uid-a'),
    published('uid-b'),
    `253:0 /sub /var/lib/kubelet/pods/uid-b/volume-subpaths/orders/app/0 rw - ext4 /dev/mapper/x rw`,
    `8:1 / ${targetOf('uid-other')} rw - ext4 /dev/sda1 rw`,
    '253:0 / /mnt/by-hand rw - ext4 /dev/mapper/x rw',
  )
  expect(affectedObjectsOf(host, staged)).toEqual({ volume: 'orders', pods: ['uid-a', 'uid-b'] })
})

it('the pods of a block volume are found', () => {
  const { host, mounts } = fakeNode()
  mounts(
    `0:5 /dm-0 ${PLUGINS}/volumeDevices/publish/orders/uid-a rw - devtmpfs udev rw`,
    `0:5 /dm-1 ${PLUGINS}/volumeDevices/publish/others/uid-b rw - devtmpfs udev rw`,
    '0:5 / /dev rw - devtmpfs udev rw',
  )
  expect(affectedObjectsOf(host, staged)).toEqual({ volume: 'orders', pods: ['uid-a'] })
})

it('a volume without pods, or with a half-written kubelet file, affects no objects', () => {
  const { host, mounts, file } = fakeNode()
  expect(affectedObjectsOf(host, staged)).toEqual({ volume: null, pods: [] })
  file(targetOf('uid-a').replace(/mount$/, 'vol_data.json'), '{')
  mounts(published('uid-a'))
  expect(affectedObjectsOf(host, staged)).toEqual({ volume: null, pods: ['uid-a'] })
})
