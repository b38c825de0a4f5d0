import { Code } from '@connectrpc/connect'

import { bindMount, makeReadOnly } from '../../host/fs/bind.ts'
import { createTargetPath, removeTargetPath } from '../../host/fs/target-path.ts'
import type { Host } from '../../host/host.ts'
import { deviceNode } from '../../host/host.ts'
import { mountAt } from '../../host/read/mounts.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { Mount } from '../../model/snapshot.ts'
import { unmountProven } from '../../state/proof/unmount.ts'
import type { Device } from '../../state/view/users.ts'
import { grpcError } from '../status.ts'
import type { Capability } from '../volume/capability.ts'
import { beginPublishing, endPublishing, isPublishing } from '../volume/publish-mark.ts'
import { isDeadMount, isNodeOf, lookAtStaged } from '../volume/staged.ts'

/** Mounts on top of each other at one target path: calls that were repeated leave a few at most. */
const MAX_STACKED = 100

/** A staged volume, and how it is to appear at a target path. */
export interface TargetMount {
  readonly record: Attachment
  readonly kind: Capability['kind']
  /** As the mount table prints it. */
  readonly target: string
  readonly readOnly: boolean
}

/**
 * What is mounted at a target path: nothing, this volume as requested (`same`), something else or this volume with other
 * settings (`other`), or a mount that must be replaced: the incomplete publication of an agent that was killed, or a
 * mount of a device that is gone (`replace`).
 */
export function contentsOf(
  host: Host,
  { record, kind, target, readOnly }: TargetMount,
): 'nothing' | 'same' | 'other' | 'replace' {
  const mount = mountAt(host.paths, target)
  if (!mount) return 'nothing'
  if (isDeadMount(host, mount)) return 'replace'
  const { device } = lookAtStaged(host, record)
  const isOwn =
    device !== null &&
    (kind === 'block' ? isNodeOf(mount, device.name) : mount.devno === device.devno && mount.root === '/')
  if (!isOwn) return 'other'
  if (isPublishing(host, target)) return 'replace'
  return kind === 'block' || mount.options.includes('ro') === readOnly ? 'same' : 'other'
}

/**
 * Mounts the volume at the target path, in place of a mount that {@link contentsOf} calls `replace`. After a failure
 * nothing is left there, or the publication stays marked as incomplete.
 * @throws UNAVAILABLE the volume has no device now · MOUNT_FAILED BAD_MOUNT …
 */
export async function mountAtTarget(host: Host, publication: TargetMount): Promise<void> {
  const { record, kind, target, readOnly } = publication
  const { device } = lookAtStaged(host, record)
  if (!device) throw grpcError('TARGET_AWAY', `${record.name} has no device now`)
  for (let mounts = 0; mountAt(host.paths, target); mounts++) {
    if (mounts === MAX_STACKED) throw grpcError('UNMOUNT_FAILED', `${target} stays mounted`, Code.Unavailable)
    await unmountProven(host, record, target)
  }
  await createTargetPath(host, target, kind === 'block' ? 'file' : 'directory')
  beginPublishing(host, target)
  try {
    const source = kind === 'block' ? deviceNode(host, device.name) : record.request.use.mount!
    await bindMount(host, source, target)
    const mount = mountAt(host.paths, target)
    if (!mount || !isOf(mount, device, kind))
      throw grpcError('MOUNT_FAILED', `${target} does not show ${record.name}`, Code.Unavailable)
    if (readOnly && kind === 'mount') await makeReadOnly(host, target, mount.options)
  } catch (error) {
    // If this cleanup fails, the mark stays: the next call must not take the mount for a complete one.
    if (mountAt(host.paths, target)) await unmountProven(host, record, target)
    await removeTargetPath(host, target)
    endPublishing(host, target)
    throw error
  }
  endPublishing(host, target)
}

/** The staging path may lose its mount between the check and the bind mount, which then shows a bare directory. */
function isOf(mount: Mount, device: Device, kind: TargetMount['kind']): boolean {
  return kind === 'block' ? isNodeOf(mount, device.name) : mount.devno === device.devno
}
