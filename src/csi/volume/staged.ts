import { basename, join } from 'node:path'

import { holdMapName } from '../../host/map/hold-map.ts'
import type { Host } from '../../host/host.ts'
import { readMap } from '../../host/read/maps.ts'
import { withoutCopies } from '../../host/read/mount-copies.ts'
import { isOfMissingDevice, mountAt, readMounts } from '../../host/read/mounts.ts'
import { linkName } from '../../host/read/attribute.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { VolumeName } from '../../model/name.ts'
import type { Mount } from '../../model/snapshot.ts'
import { deviceOfVolume, lookAtAttachment } from '../../state/view/volume.ts'
import type { Device } from '../../state/view/users.ts'

/**
 * The kernel's state of a staged volume. Only the mount table says where a volume is published; `publish-mark.ts` marks
 * publications that are not complete.
 */
export interface Staged {
  /** Null if the volume currently has no device. */
  readonly device: Device | null
  /** The volume's own mount at its staging path; null for a block volume, or if it is missing. */
  readonly mount: Mount | null
  /** All other mounts of the volume: target paths, and subpaths that a kubelet mounted. */
  readonly published: readonly Mount[]
}

/** @param at mount points whose mounts are listed, and not their copies elsewhere */
export function lookAtStaged(host: Host, record: Attachment, ...at: readonly string[]): Staged {
  const view = lookAtAttachment(host, record)
  const device = deviceOfVolume(record, view)
  const mounts = readMounts(host.paths)
  const { mount: staging } = record.request.use
  const own = mounts.filter((mount) => belongs(host, record, device, staging, mount, mounts))
  const atStaging = staging === null ? null : mountAt(host.paths, staging)
  return {
    device,
    mount: device && atStaging?.devno === device.devno ? atStaging : null,
    published: withoutCopies(host.paths, own, [staging, ...at]).filter(({ point }) => point !== staging),
  }
}

/**
 * The volume's mount at a path at which a caller expects the volume; undefined if the volume is not there. A block volume
 * has no mount at its staging path, but counts as being there.
 * @param path as the mount table prints it
 */
export function placeOf(
  { use }: Attachment['request'],
  { device, mount, published }: Staged,
  path: string,
  isStaging: boolean,
): { readonly mount: Mount | null } | undefined {
  const found = [mount ?? [], published].flat().find(({ point }) => point === path)
  if (found) return { mount: found }
  return use.mount === null && device && isStaging ? { mount: null } : undefined
}

function belongs(
  host: Host,
  { name }: Attachment,
  device: Device | null,
  staging: string | null,
  mount: Mount,
  mounts: readonly Mount[],
): boolean {
  if (device !== null && (mount.devno === device.devno || isNodeOf(mount, device.name))) return true
  // The mounts of a device that is gone have the same device number as the dead mount at the staging path.
  const dead = mounts.find(({ point }) => point === staging)
  if (dead && dead.devno === mount.devno && isDeadMount(host, mount)) return true
  return isMapOf(host, mount, name)
}

/** Whether a mount is a bind mount of this device's node, which the mount table shows as a part of /dev's file system. */
export function isNodeOf({ fs, root }: Mount, device: string): boolean {
  return isDevFs(fs) && root.endsWith(`/${device}`)
}

/**
 * Whether a mount leads to something unusable: a block device that no longer exists, or a device node that was removed
 * from /dev. Opening the latter would reach the device that has its number now.
 */
export function isDeadMount({ paths }: Host, mount: Mount): boolean {
  if (isDevFs(mount.fs)) return mount.root.endsWith('//deleted')
  return isOfMissingDevice(paths, mount)
}

/** Whether a mount is of this volume's hold map, even without a record of the volume. */
export function isMapOf({ paths }: Host, { fs, root, devno }: Mount, name: VolumeName): boolean {
  const device = isDevFs(fs) ? basename(root) : linkName(join(paths.sys, 'dev/block', devno))
  return device?.startsWith('dm-') === true && readMap(paths, device)?.name === holdMapName(name)
}

function isDevFs(fs: string): boolean {
  return fs === 'devtmpfs' || fs === 'tmpfs'
}
