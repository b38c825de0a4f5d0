import { Code } from '@connectrpc/connect'

import { resolveTargetPath } from '../../host/fs/target-path.ts'
import { withLock } from '../../host/lock/lock.ts'
import { mountAt } from '../../host/read/mounts.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Attachment } from '../../model/attachment.ts'
import { asAsked } from '../../model/attachment.ts'
import { primeMark } from '../../state/proof/ext4-mark.ts'
import { volumeLock } from '../../state/records/locks.ts'
import { readRecord } from '../../state/records/volumes.ts'
import { attach } from '../../volumes/attach/attach.ts'
import type { Driver } from '../driver.ts'
import type { NodePublishVolumeRequest } from '../protocol/csi_pb.js'
import { grpcError, toUncertainStatus } from '../status.ts'
import { parseCapability, unsupported } from '../volume/capability.ts'
import { volumeNameOf } from '../volume/name.ts'
import { lookAtStaged } from '../volume/staged.ts'
import { clearStaging, stagingTrouble } from '../volume/staging.ts'
import { requirePath, requireText } from './arguments.ts'
import { refuseOtherUse, refuseOtherVolume, refuseSecondPath } from './publish-checks.ts'
import type { TargetMount } from './target-mount.ts'
import { contentsOf, mountAtTarget } from './target-mount.ts'

/** Makes a staged volume visible at a pod's target path: its directory, or its device. */
export async function publish(driver: Driver, call: NodePublishVolumeRequest): Promise<void> {
  const volumeId = requireText(call.volumeId, 'volume_id')
  const path = requirePath(call.targetPath, 'target_path')
  const capability = parseCapability(call.volumeCapability)
  if (call.stagingTargetPath === '')
    throw grpcError('BAD_REQUEST', 'staging_target_path is missing', Code.FailedPrecondition)
  const staging = requirePath(call.stagingTargetPath, 'staging_target_path')
  const reason = unsupported(capability)
  if (reason) throw grpcError('BAD_REQUEST', `${volumeId}: ${reason}`, Code.FailedPrecondition)
  const { host, signal } = driver
  const record = readRecord(host, volumeNameOf(volumeId))
  if (record?.phase !== 'ready')
    throw grpcError('NOT_FOUND', `${volumeId} is not staged on this node`, Code.FailedPrecondition)
  refuseOtherVolume(record, volumeId, call.volumeContext)
  const target = await resolveTargetPath(host, path)
  const readOnly = call.readonly || record.request.use.readOnly
  refuseOtherUse(record, capability, await resolveTargetPath(host, staging), readOnly)
  const publication: TargetMount = { record, kind: capability.kind, target, readOnly }
  refuseOtherMount(driver, publication, volumeId)
  // The kubelet itself mounts a published volume at other places: subpaths, and the device of a block volume.
  if (contentsOf(host, publication) === 'nothing') refuseSecondPath(host, record, capability, target)
  await repairStaging(driver, record, target).catch((error: unknown) => {
    // After most errors, a kubelet would not unpublish it any more.
    throw mountAt(host.paths, target) ? toUncertainStatus(error, volumeId) : error
  })
  // While this call waits for the lock, a user can detach the volume, and another program can use the target path.
  await withLock(...volumeLock(host, record, 'publish', signal), async () => {
    if (readRecord(host, record.name)?.phase !== 'ready')
      throw grpcError('NOT_FOUND', `${volumeId} is no longer staged on this node`, Code.FailedPrecondition)
    refuseOtherMount(driver, publication, volumeId)
    if (contentsOf(host, publication) !== 'same') await mountAtTarget(host, publication)
  })
}

/** @throws ALREADY_EXISTS something else is mounted at the target path, or this volume with other settings */
function refuseOtherMount({ host }: Driver, publication: TargetMount, volumeId: string): void {
  if (contentsOf(host, publication) !== 'other') return
  throw grpcError(
    'CONFLICT',
    `${volumeId} is published at ${publication.target} with other settings`,
    Code.AlreadyExists,
  )
}

/** A broken file system is not published. If it is not in use, it is remounted first. @throws BUSY it is in use */
async function repairStaging(driver: Driver, record: Attachment, target: string): Promise<void> {
  const { host, observer, signal } = driver
  const staged = lookAtStaged(host, record, target)
  const trouble = await stagingTrouble(host, record, staged)
  if (trouble === null) return
  observer.warn?.(record.name, `it is staged again before it is published: ${trouble}`)
  const mark = await primeMark(host, record.request.use)
  const atTarget = staged.published.map(({ point }) => point).filter((point) => point === target)
  await clearStaging(host, record, staged, atTarget)
  const options = { observer, signal, orchestrator: 'csi', onlyAgain: true, mark } as const
  await attach(host, asAsked(record), options).catch((error: unknown) => {
    if (!isLunkeeperError(error, 'NOT_FOUND')) throw error
    throw grpcError('NOT_FOUND', `${record.name} was unstaged meanwhile`, Code.FailedPrecondition)
  })
}
