import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Host } from '../../host/host.ts'
import { readMounts } from '../../host/read/mounts.ts'
import type { Attachment } from '../../model/attachment.ts'
import { isMountOf, podOf } from '../../state/view/volume-mounts.ts'
import { devicesOf, disksOf, lookAtAttachment } from '../../state/view/volume.ts'

/** The Kubernetes objects that a volume of this node affects. */
export interface AffectedObjects {
  /** The name of its PersistentVolume; null if it is not published on this node. */
  readonly volume: string | null
  /** The UIDs of the pods that use it. */
  readonly pods: readonly string[]
}

/**
 * The objects that a volume affects, from the mount table and the kubelet's files beside its target paths. The API is not called,
 * and the volume itself, which may not answer, is not accessed.
 */
export function affectedObjectsOf(host: Host, record: Attachment): AffectedObjects {
  const view = lookAtAttachment(host, record)
  const mounts = readMounts(host.paths)
  // If the disk is gone, the volume's mounts are those with the device number of the one at the staging path.
  const staged = mounts.findLast(({ point }) => point === record.request.use.mount)
  const device = devicesOf(view.maps, disksOf(view))[0] ?? (staged && { name: null, devno: staged.devno })
  const points = device ? mounts.filter((mount) => isMountOf(mount, device)).map(({ point }) => point) : []
  const pods = points.flatMap((point) => podOf(point) ?? [])
  const volume = points.map((point) => volumeOf(host, point)).find((name) => name !== null)
  return { volume: volume ?? null, pods: [...new Set(pods)] }
}

/** The name of the PersistentVolume, which the kubelet stores beside a target path (csi_mounter.go: saveVolumeData). */
function volumeOf({ paths }: Host, point: string): string | null {
  const block = /^(.*\/volumeDevices)\/publish\/([^/]+)\/[^/]+$/.exec(point)
  const directory = block ? join(block[1]!, block[2]!, 'data') : dirname(point)
  try {
    const data: unknown = JSON.parse(readFileSync(join(paths.root, directory, 'vol_data.json'), 'utf8'))
    const { specVolID } = data as { specVolID?: unknown }
    return typeof specVolID === 'string' && specVolID !== '' ? specVolID : null
  } catch {
    return null
  }
}
