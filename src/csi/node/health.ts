import { resolveTargetPath } from '../../host/fs/target-path.ts'
import { readUsage } from '../../host/fs/usage.ts'
import type { Attachment } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { readRecord } from '../../state/records/volumes.ts'
import { statusOf } from '../../state/view/status.ts'
import type { Driver } from '../driver.ts'
import type { NodeGetVolumeHealthRequest } from '../protocol/csi_pb.js'
import { VolumeHealthErrorType as Type } from '../protocol/csi_pb.js'
import { grpcError } from '../status.ts'
import { oldHealthAt } from '../takeover/condition.ts'
import type { Adverse } from '../volume/condition.ts'
import { adverseOf } from '../volume/condition.ts'
import { volumeNameOf } from '../volume/name.ts'
import { lookAtStaged } from '../volume/staged.ts'
import { requirePlaceOf, requireText } from './arguments.ts'

const TYPES: Readonly<Record<Adverse['kind'], Type>> = {
  inaccessible: Type.INACCESSIBLE,
  'data-loss': Type.DATA_LOSS,
  degraded: Type.DEGRADED,
}

/** Characters of a message. Kubernetes accepts 1024 bytes (1.37, VolumeHealthCondition). */
const MAX_MESSAGE_LENGTH = 512

/**
 * The problems of a volume, whether or not it is staged. An empty list tells the caller that the volume is healthy, so an
 * unknown volume is NOT_FOUND instead.
 * @throws NOT_FOUND
 */
export async function health(driver: Driver, call: NodeGetVolumeHealthRequest) {
  const volumeId = requireText(call.volumeId, 'volume_id')
  const found = await adverseNow(driver, volumeId, call.volumePublishPath)
  const healthStatuses = found.map(({ kind, reason, message }) => ({
    status: TYPES[kind],
    reason,
    message: message.slice(0, MAX_MESSAGE_LENGTH),
  }))
  return { volumeHealth: { volumeId, healthStatuses } }
}

async function adverseNow(driver: Driver, volumeId: string, path: string): Promise<readonly Adverse[]> {
  const { host, failures } = driver
  const record = readRecord(host, volumeNameOf(volumeId))
  if (record?.phase === 'ready') return orNone(await adverseOfReady(host, record))
  const failure = failures.of(volumeId)
  if (failure) return [failure]
  // The volume is being staged or unstaged. The next answer will report the result.
  if (record) return []
  const old =
    path === ''
      ? null
      : oldHealthAt(
          driver,
          volumeId,
          await resolveTargetPath(host, requirePlaceOf(volumeId, path, 'volume_publish_path')),
        )
  if (old) return orNone(old.adverse)
  throw grpcError('NOT_FOUND', `${volumeId} is not known on this node`)
}

async function adverseOfReady(host: Driver['host'], record: Attachment): Promise<Adverse | null> {
  const status = await statusOf(host, record)
  const { mount } = lookAtStaged(host, record)
  // While I/O is held, the file system is not accessed.
  const silence = status.state === 'ready' && mount ? await noAnswerReason(host, record, mount.point) : null
  return adverseOf(host, record, status, { mount, silence })
}

/** Why the file system does not answer; null if it does. */
async function noAnswerReason(
  host: Driver['host'],
  { name }: Attachment,
  point: string,
): Promise<string | null> {
  try {
    await readUsage(host, point, name)
    return null
  } catch (error) {
    if (!(error instanceof LunkeeperError)) throw error
    return error.message
  }
}

function orNone(adverse: Adverse | null): readonly Adverse[] {
  return adverse === null ? [] : [adverse]
}
