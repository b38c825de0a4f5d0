import type { Host } from '../../host/host.ts'
import { withoutCopies } from '../../host/read/mount-copies.ts'
import { readMounts } from '../../host/read/mounts.ts'
import type { Mount } from '../../model/snapshot.ts'
import type { VolumeMount } from '../../model/volume-mount.ts'
import { readRecords } from '../records/volumes.ts'
import { devicesOf, disksOf, lookAtAttachment } from './volume.ts'

/** Where the volumes of this node are mounted, in the order of their records. The volumes are not touched. */
export function listVolumeMounts(host: Host): VolumeMount[] {
  const mounts = readMounts(host.paths)
  return readRecords(host).attachments.flatMap((record) => {
    const view = lookAtAttachment(host, record)
    const device = devicesOf(view.maps, disksOf(view))[0]
    // If the disk is gone, its dead mounts identify it: they have the same device number as the one at the mount
    // point.
    const staged = mounts.findLast(({ point }) => point === record.request.use.mount)
    const known = device ?? (staged && { name: null, devno: staged.devno })
    if (!known) return []
    const own = mounts.filter((mount) => isMountOf(mount, known))
    return withoutCopies(host.paths, own, [record.request.use.mount]).map((mount) => ({
      volume: record.name,
      point: mount.point,
      fs: isDeviceNode(mount) ? null : mount.fs,
      readOnly: mount.options.includes('ro') || mount.superOptions.includes('ro'),
      pod: podOf(mount.point),
    }))
  })
}

/** A bind mount of a device node appears as a part of the file system that contains it, usually /dev. */
export function isMountOf(
  mount: Mount,
  device: { readonly name: string | null; readonly devno: string },
): boolean {
  return isDeviceNode(mount) ? mount.root === `/${device.name}` : mount.devno === device.devno
}

function isDeviceNode({ fs }: Mount): boolean {
  return fs === 'devtmpfs' || fs === 'tmpfs'
}

/** Kubernetes: csi_mounter.go, csi_block.go, and subpath.go for the third. */
const TARGETS = [
  /\/pods\/(?<pod>[^/]+)\/volumes\/kubernetes\.io~csi\/[^/]+\/mount$/,
  /\/plugins\/kubernetes\.io\/csi\/volumeDevices\/publish\/[^/]+\/(?<pod>[^/]+)$/,
  /\/pods\/(?<pod>[^/]+)\/volume-subpaths\//,
]

/** UID of the pod for which the kubelet made this mount point; null if it is not a pod's. */
export function podOf(point: string): string | null {
  for (const target of TARGETS) {
    const pod = target.exec(point)?.groups?.['pod']
    if (pod !== undefined) return pod
  }
  return null
}
