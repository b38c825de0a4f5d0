import { Code } from '@connectrpc/connect'

import { bindMount, makeReadOnly } from '../../host/fs/bind.ts'
import { createTargetPath, removeTargetPath, resolveTargetPath } from '../../host/fs/target-path.ts'
import { deviceNode } from '../../host/host.ts'
import { withLock } from '../../host/lock/lock.ts'
import { readMounts } from '../../host/read/mounts.ts'
import type { Attachment } from '../../model/attachment.ts'
import { asAsked } from '../../model/attachment.ts'
import type { Mount } from '../../model/snapshot.ts'
import { attach } from '../../volumes/attach/attach.ts'
import { volumeLock } from '../../state/records/locks.ts'
import { unmountProven } from '../../state/proof/unmount.ts'
import { readRecord } from '../../state/records/volumes.ts'
import type { Device } from '../../state/view/users.ts'
import type { Driver } from '../driver.ts'
import type { NodePublishVolumeRequest } from '../protocol/csi_pb.js'
import { grpcError } from '../status.ts'
import { parseAttributes } from '../volume/attributes.ts'
import type { Capability } from '../volume/capability.ts'
import { parseCapability, unsupported } from '../volume/capability.ts'
import { clearStaging, stagingTrouble } from '../volume/staging.ts'
import { volumeNameOf } from '../volume/name.ts'
import { otherVolume } from '../volume/other-volume.ts'
import { beginPublishing, endPublishing, isPublishing } from '../volume/publish-mark.ts'
import { isDead, isNodeOf, lookAtStaged } from '../volume/staged.ts'
import { requirePath, requireText } from './arguments.ts'

/** Makes a staged volume visible at a pod's target path: its directory, or its device. */
export async function publish(driver: Driver, call: NodePublishVolumeRequest): Promise<void> {
  const volumeId = requireText(call.volumeId, 'volume_id')
  const path = requirePath(call.targetPath, 'target_path')
  const capability = parseCapability(call.volumeCapability)
  if (call.stagingTargetPath === '')
    throw grpcError(Code.FailedPrecondition, 'BAD_REQUEST: staging_target_path is missing')
  const staging = requirePath(call.stagingTargetPath, 'staging_target_path')
  const reason = unsupported(capability)
  if (reason) throw grpcError(Code.FailedPrecondition, `BAD_REQUEST: ${volumeId}: ${reason}`)
  const { host, signal } = driver
  const record = readRecord(host, volumeNameOf(volumeId))
  if (record?.phase !== 'ready')
    throw grpcError(Code.FailedPrecondition, `NOT_FOUND: ${volumeId} is not staged on this node`)
  refuseOtherVolume(record, volumeId, call.volumeContext)
  const target = await resolveTargetPath(host, path)
  const readOnly = call.readonly || record.request.use.readOnly
  refuseOtherUse(record, capability, await resolveTargetPath(host, staging), readOnly)
  if (isThere(driver, record, capability, target, readOnly) === 'other')
    throw grpcError(Code.AlreadyExists, `CONFLICT: ${volumeId} is published at ${target} with other settings`)
  refuseSecond(driver, record, capability, target)
  await makeFit(driver, record, target)
  // A detach by hand is in progress or has completed: then the volume is no longer ready.
  await withLock(...volumeLock(host, record, 'publish', signal), async () => {
    if (readRecord(host, record.name)?.phase !== 'ready')
      throw grpcError(Code.FailedPrecondition, `NOT_FOUND: ${volumeId} is no longer staged on this node`)
    if (isThere(driver, record, capability, target, readOnly) !== 'same')
      await show(driver, record, capability, target, readOnly)
  })
}

/** @throws FAILED_PRECONDITION another volume is staged under this ID · BAD_REQUEST and similar */
function refuseOtherVolume(
  record: Attachment,
  volumeId: string,
  context: Readonly<Record<string, string>>,
): void {
  const reason = otherVolume(record, parseAttributes(context))
  if (reason === null) return
  throw grpcError(
    Code.FailedPrecondition,
    `CONFLICT: another volume is staged on this node as ${volumeId}: ${reason}. To Kubernetes, two PersistentVolumes with one volumeHandle are one volume: give each its own`,
  )
}

/** @throws FAILED_PRECONDITION it was staged for another use */
function refuseOtherUse(
  { name, request, fs }: Attachment,
  capability: Capability,
  staging: string,
  readOnly: boolean,
): void {
  const { use } = request
  const other = (reason: string) => grpcError(Code.FailedPrecondition, `CONFLICT: ${name} ${reason}`)
  const kind = use.mount === null ? 'block' : 'mount'
  if (kind !== capability.kind) throw other(`is staged as a ${kind} volume`)
  if (capability.fs !== '' && fs !== null && capability.fs !== fs) throw other(`has the file system ${fs}`)
  if (capability.readOnly && !use.readOnly) throw other('is staged for writing')
  if (kind === 'mount' && !sameOptions(capability.options, use.options))
    throw other(`is mounted with ${use.options.join(',') || 'the default options'}`)
  if (kind === 'mount' && use.mount !== staging) throw other(`is staged at ${use.mount}`)
  if (kind === 'block' && readOnly && !use.readOnly)
    throw grpcError(
      Code.InvalidArgument,
      `BAD_REQUEST: ${name} is a block volume that is staged for writing: a device is read-only for all its users or for none`,
    )
}

function sameOptions(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join() === b.toSorted().join()
}

/** @throws FAILED_PRECONDITION its access mode allows one target path, and there is another */
function refuseSecond({ host }: Driver, record: Attachment, capability: Capability, target: string): void {
  if (capability.shared) return
  const others = lookAtStaged(host, record).published.filter(
    ({ point }) => point !== target && !point.startsWith(`${target}/`),
  )
  if (others.length > 0)
    throw grpcError(
      Code.FailedPrecondition,
      `BUSY: ${record.name} is published at ${others.map(({ point }) => point).join(', ')}, and its access mode allows only one target path`,
    )
}

/**
 * What is at the target path: nothing, this volume as requested, this volume with other settings, or something unusable
 * that is replaced: a half-made publication of an agent that was killed, a dead device.
 */
function isThere(
  { host }: Driver,
  record: Attachment,
  { kind }: Capability,
  target: string,
  readOnly: boolean,
): 'nothing' | 'same' | 'other' | 'replace' {
  const mount = seenAt(host.paths, target)
  if (!mount) return 'nothing'
  const { device } = lookAtStaged(host, record)
  if (isDead(host, mount)) return 'replace'
  const own =
    device !== null &&
    (kind === 'block' ? isNodeOf(mount, device.name) : mount.devno === device.devno && mount.root === '/')
  if (!own) return 'other'
  if (isPublishing(host, target)) return 'replace'
  return kind === 'block' || mount.options.includes('ro') === readOnly ? 'same' : 'other'
}

function seenAt(paths: Driver['host']['paths'], target: string): Mount | undefined {
  return readMounts(paths).findLast(({ point }) => point === target)
}

/** A broken file system is not published: if it is not in use, it is remounted first. @throws BUSY */
async function makeFit(driver: Driver, record: Attachment, target: string): Promise<void> {
  const { host, observer, signal } = driver
  const staged = lookAtStaged(host, record)
  const trouble = await stagingTrouble(host, record, staged)
  if (trouble === null) return
  observer.warn?.(record.name, `it is staged again before it is published: ${trouble}`)
  await clearStaging(
    host,
    record,
    staged,
    staged.published.filter(({ point }) => point === target).map(({ point }) => point),
  )
  await attach(host, asAsked(record), { observer, signal, orchestrator: 'csi' })
}

async function show(
  driver: Driver,
  record: Attachment,
  { kind }: Capability,
  target: string,
  readOnly: boolean,
): Promise<void> {
  const { host } = driver
  const { device } = lookAtStaged(host, record)
  if (!device) throw grpcError(Code.Unavailable, `TARGET_AWAY: ${record.name} has no device now`)
  while (seenAt(host.paths, target)) await unmountProven(host, record, target)
  await createTargetPath(host, target, kind === 'block' ? 'file' : 'directory')
  beginPublishing(host, target)
  try {
    await bindMount(
      host,
      kind === 'block' ? deviceNode(host, device.name) : record.request.use.mount!,
      target,
    )
    const mount = seenAt(host.paths, target)
    if (!mount || !isRight(mount, device, kind))
      throw grpcError(Code.Unavailable, `MOUNT_FAILED: ${target} does not show ${record.name}`)
    if (readOnly && kind === 'mount') await makeReadOnly(host, target, mount.options)
  } catch (error) {
    if (seenAt(host.paths, target)) await unmountProven(host, record, target)
    await removeTargetPath(host, target)
    throw error
  } finally {
    endPublishing(host, target)
  }
}

/** Between a check and a mount the staging path may lose its mount: then a bare directory was bound. */
function isRight(mount: Mount, device: Device, kind: Capability['kind']): boolean {
  return kind === 'block' ? isNodeOf(mount, device.name) : mount.devno === device.devno
}
