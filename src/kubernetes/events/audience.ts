import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Host } from '../../host/host.ts'
import { readMounts } from '../../host/read/mounts.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { Mount } from '../../model/snapshot.ts'
import { devicesOf, disksOf, lookAtAttachment } from '../../state/view/volume.ts'

/** Who has to do with a volume on this node. */
export interface Audience {
  /** Its PersistentVolume; null where no pod of this node has it. */
  readonly volume: string | null
  /** The pods that have it, by their uid. */
  readonly pods: readonly string[]
}

/**
 * Read from the mount table and from what the kubelet wrote beside its target paths: no call of the API, and
 * nothing of the volume is touched, which may not answer.
 */
export function audienceOf(host: Host, record: Attachment): Audience {
  const view = lookAtAttachment(host, record)
  const mounts = readMounts(host.paths)
  // Of a disk that is gone its dead mounts tell: they have the number of the one at the staging path.
  const staged = mounts.findLast(({ point }) => point === record.request.use.mount)
  const device = devicesOf(view.maps, disksOf(view))[0] ?? (staged && { name: null, devno: staged.devno })
  const points = device ? mounts.filter((mount) => isOf(mount, device)).map(({ point }) => point) : []
  const pods = points.flatMap((point) => podOf(point) ?? [])
  const volume = points.map((point) => volumeOf(host, point)).find((name) => name !== null)
  return { volume: volume ?? null, pods: [...new Set(pods)] }
}

/** A device node that is bound somewhere shows as a part of the file system that /dev is. */
function isOf(
  { devno, fs, root }: Mount,
  device: { readonly name: string | null; readonly devno: string },
): boolean {
  if (fs === 'devtmpfs' || fs === 'tmpfs') return root === `/${device.name}`
  return devno === device.devno
}

/** Kubernetes: csi_mounter.go, csi_block.go, and subpath.go for the third. */
const TARGETS = [
  /\/pods\/(?<pod>[^/]+)\/volumes\/kubernetes\.io~csi\/[^/]+\/mount$/,
  /\/plugins\/kubernetes\.io\/csi\/volumeDevices\/publish\/[^/]+\/(?<pod>[^/]+)$/,
  /\/pods\/(?<pod>[^/]+)\/volume-subpaths\//,
]

function podOf(point: string): string | null {
  for (const target of TARGETS) {
    const pod = target.exec(point)?.groups?.['pod']
    if (pod !== undefined) return pod
  }
  return null
}

/** What the kubelet keeps of a volume to take it away later (csi_mounter.go: saveVolumeData). */
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
