import { removeTargetPath, resolveTargetPath } from '../../host/fs/target-path.ts'
import type { Host } from '../../host/host.ts'
import { mountAt } from '../../host/read/mounts.ts'
import type { VolumeName } from '../../model/name.ts'
import type { Mount } from '../../model/snapshot.ts'
import { unmountProven } from '../../state/proof/unmount.ts'
import { readRecord } from '../../state/records/volumes.ts'
import type { Driver } from '../driver.ts'
import type { NodeUnpublishVolumeRequest } from '../protocol/csi_pb.js'
import { grpcError } from '../status.ts'
import { volumeNameOf } from '../volume/name.ts'
import { endPublishing } from '../volume/publish-mark.ts'
import { withdrawIfOld } from '../takeover/withdraw.ts'
import { isDeadMount, isMapOf, lookAtStaged } from '../volume/staged.ts'
import { requirePath, requireText } from './arguments.ts'

/** Unmounts a volume from a target path and removes the path. Mounts that are not the volume's are left alone. */
export async function unpublish(driver: Driver, call: NodeUnpublishVolumeRequest): Promise<void> {
  const { host } = driver
  const volumeId = requireText(call.volumeId, 'volume_id')
  const target = await resolveTargetPath(host, requirePath(call.targetPath, 'target_path'))
  const name = volumeNameOf(volumeId)
  const record = readRecord(host, name)
  if (!record && (await withdrawIfOld(driver, volumeId, target))) return
  if (record?.request.use.mount === target)
    throw grpcError('BUSY', `${target} is where ${volumeId} is staged`)
  for (;;) {
    const mount = mountAt(host.paths, target)
    if (!mount) break
    if (!isOwn(host, name, mount))
      throw grpcError('BUSY', `${mount.source || mount.fs} is mounted at ${target}, and is not ${volumeId}`)
    await unmountProven(host, { name, identity: record?.identity ?? null }, target)
  }
  await removeTargetPath(host, target)
  endPublishing(host, target)
}

function isOwn(host: Host, name: VolumeName, mount: Mount): boolean {
  if (isDeadMount(host, mount) || isMapOf(host, mount, name)) return true
  const record = readRecord(host, name)
  return (
    record !== null &&
    lookAtStaged(host, record, mount.point).published.some(
      ({ point, devno, root }) => point === mount.point && devno === mount.devno && root === mount.root,
    )
  )
}
