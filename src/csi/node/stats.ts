import { Code } from '@connectrpc/connect'

import { resolvePlace } from '../../host/fs/place.ts'
import { readUsage } from '../../host/fs/usage.ts'
import type { FsUsage } from '../../host/hand/protocol.ts'
import { readHoldNote } from '../../hold/note.ts'
import type { Attachment, VolumeStatus } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { Mount } from '../../model/snapshot.ts'
import { readRecord } from '../../volumes/records.ts'
import { statusOf } from '../../volumes/status.ts'
import type { Driver } from '../driver.ts'
import type { NodeGetVolumeStatsRequest } from '../protocol/csi_pb.js'
import { VolumeUsage_Unit as Unit } from '../protocol/csi_pb.js'
import { refusal } from '../status.ts'
import { oldHealthAt } from '../takeover/health.ts'
import { volumeNameOf } from '../volume/name.ts'
import { lookAtStaged, placeOf } from '../volume/staged.ts'
import { requirePath, requireText } from './arguments.ts'

/** How a volume fares, for people. */
interface Condition {
  readonly abnormal: boolean
  readonly message: string
}

interface Stats {
  readonly usage: { unit: Unit; total: bigint; used?: bigint; available?: bigint }[]
  readonly volumeCondition: Condition
}

/** The last answer of each volume: in an outage it is still about right, and the file system may not answer. */
const lastUsage = new Map<string, FsUsage>()

/** Of a volume that is gone nothing is remembered. */
export function forgetUsage(name: string): void {
  lastUsage.delete(name)
}

/** How full a volume is and how it fares. Says so within seconds, whatever its target does. */
export async function stats(driver: Driver, call: NodeGetVolumeStatsRequest): Promise<Stats> {
  const { host } = driver
  const volumeId = requireText(call.volumeId, 'volume_id')
  const place = await resolvePlace(host, requirePath(call.volumePath, 'volume_path'))
  const record = readRecord(host, volumeNameOf(volumeId))
  const notThere = () => refusal(Code.NotFound, `NOT_FOUND: ${volumeId} is not at ${place}`)
  const old = record ? null : oldHealthAt(driver, volumeId, place)
  if (old) {
    const { usage, trouble } = await usageOf(host, volumeNameOf(volumeId), place)
    return { usage: usage ? inUnits(usage) : [], volumeCondition: troubled(old, trouble) }
  }
  if (!record) throw notThere()
  const isStaging = call.volumePath === call.stagingTargetPath
  const seen = placeOf(record.request, lookAtStaged(host, record), place, isStaging)
  if (!seen) throw notThere()
  const status = await statusOf(host, record)
  if (record.request.use.mount === null) {
    const total = BigInt(record.identity?.bytes ?? 0)
    return { usage: [{ unit: Unit.BYTES, total }], volumeCondition: conditionOf(host, record, status, null) }
  }
  const { usage, trouble } = await usageOf(host, record.name, place)
  return {
    usage: usage ? inUnits(usage) : [],
    volumeCondition: conditionOf(host, record, status, trouble ?? readOnlyTrouble(record, seen.mount)),
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

function troubled(condition: Condition, trouble: string | null): Condition {
  return trouble === null || condition.abnormal ? condition : { abnormal: true, message: trouble }
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

function conditionOf(
  host: Driver['host'],
  record: Attachment,
  { state, hold, paths }: VolumeStatus,
  trouble: string | null,
): Stats['volumeCondition'] {
  const abnormal = (message: string) => ({ abnormal: true, message })
  const note = readHoldNote(host, record.name)
  if (state === 'holding')
    return abnormal(
      `its target is away since ${hold.since ?? 'a moment ago'}: I/O waits ${hold.deadline ? `until ${hold.deadline}` : 'as long as it takes'}`,
    )
  if (state !== 'ready')
    return abnormal(
      note?.trouble ?? (note ? `its hold is over (${note.ended}): I/O has failed` : `it is ${state}`),
    )
  if (trouble) return abnormal(trouble)
  const lost = paths.filter(
    ({ sessionState, diskState }) => sessionState !== 'LOGGED_IN' || diskState !== 'running',
  )
  if (lost.length > 0)
    return abnormal(
      `${lost.length} of ${paths.length} paths are lost: ${lost.map(({ portal }) => portal).join(', ')}`,
    )
  return { abnormal: false, message: paths.length === 1 ? 'ready' : `ready on ${paths.length} paths` }
}

/** An ext4 that met an error turns read-only by itself. */
function readOnlyTrouble({ request }: Attachment, mount: Mount | null): string | null {
  const turned = mount?.superOptions.find((option) => ['ro', 'emergency_ro', 'shutdown'].includes(option))
  return turned && !request.use.readOnly ? 'its file system has turned read-only after an error' : null
}
