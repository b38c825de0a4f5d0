import { Code } from '@connectrpc/connect'

import { resolveTargetPath } from '../../host/fs/target-path.ts'
import { expand } from '../../volumes/expand.ts'
import { readRecord } from '../../state/records/volumes.ts'
import type { Driver } from '../driver.ts'
import type { NodeExpandVolumeRequest } from '../protocol/csi_pb.js'
import { grpcError } from '../status.ts'
import { volumeNameOf } from '../volume/name.ts'
import { lookAtStaged, placeOf } from '../volume/staged.ts'
import { requirePlaceOf, requireText } from './arguments.ts'

/** Resizes the volume to the current size of the LUN on its target. @returns bytes */
export async function expandStaged(driver: Driver, call: NodeExpandVolumeRequest): Promise<bigint> {
  const volumeId = requireText(call.volumeId, 'volume_id')
  const path = requirePlaceOf(volumeId, call.volumePath, 'volume_path')
  const { requiredBytes = 0n, limitBytes = 0n } = call.capacityRange ?? {}
  if (requiredBytes < 0n || limitBytes < 0n || (limitBytes > 0n && limitBytes < requiredBytes))
    throw grpcError('BAD_REQUEST', 'capacity_range contradicts itself')
  const { host, observer, signal } = driver
  const place = await resolveTargetPath(host, path)
  const record = readRecord(host, volumeNameOf(volumeId))
  const notFound = grpcError('NOT_FOUND', `${volumeId} is not at ${place}`)
  if (record?.phase !== 'ready') throw notFound
  const isBlock = record.request.use.mount === null
  const isStaging = call.volumePath === call.stagingTargetPath
  if (!placeOf(record.request, lookAtStaged(host, record, place), place, isStaging)) throw notFound
  const kind = call.volumeCapability?.accessType.case
  if (kind !== undefined && (kind === 'block') !== isBlock)
    throw grpcError('BAD_REQUEST', `${volumeId} is a ${isBlock ? 'block' : 'mount'} volume`)
  const { expanded } = await expand(host, record.name, { observer, signal })
  const bytes = BigInt(expanded.to)
  if (bytes < requiredBytes)
    throw grpcError(
      'CONFLICT',
      `${volumeId} has ${bytes} bytes on its target, fewer than the ${requiredBytes} requested: enlarge the LUN there first`,
      Code.OutOfRange,
    )
  if (limitBytes > 0n && bytes > limitBytes)
    throw grpcError(
      'CONFLICT',
      `${volumeId} has ${bytes} bytes, more than the limit of ${limitBytes}`,
      Code.OutOfRange,
    )
  return bytes
}
