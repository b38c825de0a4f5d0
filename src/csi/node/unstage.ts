import type { Host } from '../../host/host.ts'
import { queueingMaps } from '../../host/map/queueing.ts'
import { mountAt } from '../../host/read/mounts.ts'
import { resolveTargetPath } from '../../host/fs/target-path.ts'
import type { Attachment } from '../../model/attachment.ts'
import { failsIo } from '../../model/disk-state.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import { detach } from '../../volumes/detach/detach.ts'
import { unmountProven } from '../../state/proof/unmount.ts'
import { readRecord } from '../../state/records/volumes.ts'
import { statusOf } from '../../state/view/status.ts'
import { lookAtAttachment } from '../../state/view/volume.ts'
import type { Driver } from '../driver.ts'
import type { NodeUnstageVolumeRequest } from '../protocol/csi_pb.js'
import { grpcError } from '../status.ts'
import { hasLostData } from '../volume/staging.ts'
import { volumeNameOf } from '../volume/name.ts'
import { isDeadMount, isMapOf, lookAtStaged } from '../volume/staged.ts'
import { requirePath, requireText } from './arguments.ts'
import { forgetUsage } from './stats.ts'

/** Detaches the volume from the node. Succeeds only if nothing of it is left there. */
export async function unstage(driver: Driver, call: NodeUnstageVolumeRequest): Promise<void> {
  const volumeId = requireText(call.volumeId, 'volume_id')
  const path = requirePath(call.stagingTargetPath, 'staging_target_path')
  const { host, observer, signal, failures } = driver
  failures.forget(volumeId)
  const name = volumeNameOf(volumeId)
  const place = await resolveTargetPath(host, path)
  const record = readRecord(host, name)
  if (!record) return withoutRecord(driver, name, place)
  // The volume is staged at another path, so nothing needs to be done for this one.
  const { mount } = record.request.use
  if (mount !== null && mount !== place) return
  const { published } = lookAtStaged(host, record)
  if (published.length > 0)
    throw grpcError(
      'BUSY',
      `${volumeId} is still published at ${published.map(({ point }) => point).join(', ')}`,
    )
  const force = await isLost(host, record)
  if (force) observer.warn?.(record.name, 'its hold is over and no path answers: unwritten data is lost')
  try {
    await detach(host, record.name, { force, observer, signal })
  } catch (error) {
    if (isLunkeeperError(error, 'FENCED')) return dropLost(driver, record, error)
    // Another call has detached it meanwhile.
    if (!isLunkeeperError(error, 'NOT_FOUND')) throw error
  }
  forgetUsage(record.name)
}

/** Another node owns the volume: this node must not write to it, but must still remove it. */
async function dropLost(
  { host, observer, signal }: Driver,
  { name }: Attachment,
  lost: Error,
): Promise<void> {
  observer.warn?.(name, `${lost.message}; it is detached from this node, and its unwritten data is lost`)
  await detach(host, name, { force: true, observer, signal })
  forgetUsage(name)
}

/**
 * Whether the unwritten data is lost anyway, because the kernel has failed all held I/O. A refusal would then only
 * keep the pod from starting on another node.
 * @throws MAP_FAILED TIMEOUT this cannot be determined
 */
async function isLost(host: Host, record: Attachment): Promise<boolean> {
  if (record.writeOut?.lost) return true
  if (record.mode === 'map') return hasLostData(host, record)
  const { state, paths } = await statusOf(host, record)
  const hasDisk = paths.some(({ disk }) => disk !== null)
  const waits = paths.some(({ diskState }) => diskState !== null && !failsIo(diskState))
  if (state !== 'failed' || !hasDisk || waits) return false
  // `failed` may only mean that the maps could not be read. An error here makes the kubelet ask again.
  const { maps } = lookAtAttachment(host, record)
  if (maps.length === 0) return true
  const queueing = await queueingMaps(host)
  return !maps.some(({ name }) => queueing.has(name))
}

/** For a volume whose record is lost, or that was never here: unmounts only what certainly belongs to the volume. */
async function withoutRecord({ host, observer, signal }: Driver, name: string, place: string): Promise<void> {
  const mount = mountAt(host.paths, place)
  if (!mount) return
  if (isDeadMount(host, mount)) return unmountProven(host, { name, identity: null }, place)
  if (!isMapOf(host, mount, name as Attachment['name']))
    throw grpcError('BUSY', `${mount.source} is mounted at ${place}, which is not this volume`)
  await detach(host, place, { observer, signal })
}
