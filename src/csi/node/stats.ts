import { resolveTargetPath } from '../../host/fs/target-path.ts'
import { readUsage } from '../../host/fs/usage.ts'
import type { FsUsage } from '../../host/worker/protocol.ts'
import type { VolumeStatus } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { Recent } from '../../model/recent.ts'
import { readRecord } from '../../state/records/volumes.ts'
import { statusOf } from '../../state/view/status.ts'
import type { Driver } from '../driver.ts'
import type { NodeGetVolumeStatsRequest } from '../protocol/csi_pb.js'
import { VolumeUsage_Unit as Unit } from '../protocol/csi_pb.js'
import { grpcError } from '../status.ts'
import { oldHealthAt } from '../takeover/condition.ts'
import type { Adverse } from '../volume/condition.ts'
import { adverseOf, inaccessible } from '../volume/condition.ts'
import { volumeNameOf } from '../volume/name.ts'
import { lookAtStaged, placeOf } from '../volume/staged.ts'
import { requirePlaceOf, requireText } from './arguments.ts'

interface Stats {
  readonly usage: { unit: Unit; total: bigint; used?: bigint; available?: bigint }[]
  readonly volumeCondition: { abnormal: boolean; message: string }
}

/** More volumes than a node has. */
const MAX_VOLUMES = 500

/** The last usage of each volume. During an outage the file system may not answer, and the last usage is still roughly right. */
const lastUsage = new Recent<string, FsUsage>(MAX_VOLUMES)

/** Discards the last usage of a volume that was unstaged. */
export function forgetUsage(name: string): void {
  lastUsage.delete(name)
}

/** Usage and condition of a volume. Answers within seconds, even if the target does not. */
export async function stats(driver: Driver, call: NodeGetVolumeStatsRequest): Promise<Stats> {
  const { host } = driver
  const volumeId = requireText(call.volumeId, 'volume_id')
  const place = await resolveTargetPath(host, requirePlaceOf(volumeId, call.volumePath, 'volume_path'))
  const record = readRecord(host, volumeNameOf(volumeId))
  const notFound = () => grpcError('NOT_FOUND', `${volumeId} is not at ${place}`)
  const old = record ? null : oldHealthAt(driver, volumeId, place)
  if (old) {
    const { usage, trouble } = await usageOf(host, volumeNameOf(volumeId), place)
    const adverse = old.adverse ?? (trouble === null ? null : inaccessible('FileSystemSilent', trouble))
    return { usage: usage ? inUnits(usage) : [], volumeCondition: conditionOf(adverse, old.message) }
  }
  if (!record) throw notFound()
  const isStaging = call.volumePath === call.stagingTargetPath
  const seen = placeOf(record.request, lookAtStaged(host, record, place), place, isStaging)
  if (!seen) throw notFound()
  const status = await statusOf(host, record)
  if (record.request.use.mount === null) {
    const total = BigInt(record.identity?.bytes ?? 0)
    const adverse = adverseOf(host, record, status, { mount: null, silence: null })
    // Only the pod knows how much of a device is in use. A kubelet shows a missing value as 0 (csi_client.go),
    // which an alert would take for a full volume, so the whole device is reported as available.
    const usage = [{ unit: Unit.BYTES, total, available: total }]
    return { usage, volumeCondition: conditionOf(adverse, wellOn(status)) }
  }
  const { usage, trouble } = await usageOf(host, record.name, place)
  return {
    usage: usage ? inUnits(usage) : [],
    volumeCondition: conditionOf(
      adverseOf(host, record, status, { mount: seen.mount, silence: trouble }),
      wellOn(status),
    ),
  }
}

async function usageOf(host: Driver['host'], name: string, place: string) {
  try {
    const usage = await readUsage(host, place, name)
    lastUsage.set(name, usage)
    return { usage, trouble: null }
  } catch (error) {
    if (!(error instanceof LunkeeperError)) throw error
    return { usage: lastUsage.get(name), trouble: error.message }
  }
}

function inUnits({ bytes, files }: FsUsage): Stats['usage'] {
  const inUnit = (unit: Unit, { total, used, free }: FsUsage['bytes']) => ({
    unit,
    total: BigInt(total),
    used: BigInt(used),
    available: BigInt(free),
  })
  return [inUnit(Unit.BYTES, bytes), inUnit(Unit.INODES, files)]
}

/** The condition that kubelets up to Kubernetes 1.36 read. Later ones request the health of a volume separately. */
function conditionOf(adverse: Adverse | null, well: string): Stats['volumeCondition'] {
  return adverse ? { abnormal: true, message: adverse.message } : { abnormal: false, message: well }
}

function wellOn({ paths }: VolumeStatus): string {
  return paths.length === 1 ? 'ready' : `ready on ${paths.length} paths`
}
