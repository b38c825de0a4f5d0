import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Host } from '../../host/host.ts'
import { readMounts } from '../../host/read/mounts.ts'
import type { Attachment } from '../../model/attachment.ts'
import { isMountOf, podOf } from '../../state/view/volume-mounts.ts'
import { devicesOf, disksOf, lookAtAttachment } from '../../state/view/volume.ts'

/** The Kubernetes objects that are affected by a volume on this node. */
export interface AffectedObjects {
  /** Its PersistentVolume; null if no pod of this node has it. */
  readonly volume: string | null
  /** The pods that have it, by UID. */
  readonly pods: readonly string[]
}

/**
 * Read from the mount table and from the kubelet's files beside its target paths: no API call, and the volume itself,
 * which may not answer, is not touched.
 */
export function affectedObjectsOf(host: Host, record: Attachment): AffectedObjects {
  const view = lookAtAttachment(host, record)
  const mounts = readMounts(host.paths)
  // If the disk is gone, its dead mounts identify it: they have the number of the one at the staging path.
  const staged = mounts.findLast(({ point }) => point === record.request.use.mount)
  const device = devicesOf(view.maps, disksOf(view))[0] ?? (staged && { name: null, devno: staged.devno })
  const points = device ? mounts.filter((mount) => isMountOf(mount, device)).map(({ point }) => point) : []
  const pods = points.flatMap((point) => podOf(point) ?? [])
  const volume = points.map((point) => volumeOf(host, point)).find((name) => name !== null)
  return { volume: volume ?? null, pods: [...new Set(pods)] }
}

/** What the kubelet stores about a volume for its removal (csi_mounter.go: saveVolumeData). */
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
