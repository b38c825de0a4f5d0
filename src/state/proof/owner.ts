import type { FullReservations } from '../../host/disk/reservations.ts'
import {
  initiatorOf,
  readReservations,
  registerKey,
  reserve,
  unregisterKey,
} from '../../host/disk/reservations.ts'
import type { Host } from '../../host/host.ts'
import type { Publication } from '../../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { Witnesses } from '../../model/plan/owner.ts'
import { reservationVerdict, judgeUnclaimed } from '../../model/plan/owner.ts'
import type { SettledRequest } from '../../model/request.ts'
import { hasOneWriter } from '../../model/request.ts'
import type { Registration, ReservationKey } from '../../model/reservation.ts'
import { formatKey } from '../../model/reservation.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { forgetRegistered, isRegistered, noteRegistered } from '../records/registrations.ts'
import { readMark } from './mark.ts'

/** A volume, as far as its owner is asked for. */
export interface Owned {
  readonly name: string
  readonly request?: Pick<SettledRequest, 'use' | 'shared'> | undefined
  readonly fence?: Registration | undefined
  readonly publication?: Publication | undefined
}

/** Collects the ownership evidence other than reservations: the VolumeAttachment and the file-system mark. */
export async function readWitnesses(host: Host, volume: Owned, disk: ScsiDisk): Promise<Witnesses> {
  const { fence, publication, request } = volume
  const [kubernetes, mark] = await Promise.all([
    askKubernetes(host, publication),
    request ? readMark(host, request.use, disk) : ('none' as const),
  ])
  return { persists: fence?.persists ?? false, kubernetes, mark }
}

async function askKubernetes(
  host: Host,
  publication: Publication | undefined,
): Promise<Witnesses['kubernetes']> {
  if (publication === undefined) return 'none'
  return host.witnesses.kubernetes?.(publication) ?? 'unreachable'
}

/**
 * Decides by the other evidence (VolumeAttachment, file-system mark) where the target has no reservations.
 * @throws FENCED another node has had the volume · OWNER_UNKNOWN it cannot be determined now
 */
export async function confirmUnguarded(host: Host, volume: Owned, disk: ScsiDisk): Promise<void> {
  if (volume.fence || !volume.request || !hasOneWriter(volume.request)) return
  judge(volume, disk, await readWitnesses(host, volume, disk))
}

/** @throws FENCED OWNER_UNKNOWN */
function judge({ name }: Owned, disk: ScsiDisk, witnesses: Witnesses): void {
  const { verdict, why } = judgeUnclaimed(witnesses)
  if (verdict === 'own') return
  const code = verdict === 'lost' ? 'FENCED' : 'OWNER_UNKNOWN'
  throw new LunkeeperError(code, `${name}: ${disk.name}: ${why}`, { details: { ...witnesses } })
}

/**
 * Claims again a volume whose registrations the target has lost, if the other evidence says that it is this node's.
 * Another node may do the same at this moment: the node whose key is read back owns the volume.
 * @throws FENCED another node has it, or has had it · OWNER_UNKNOWN it cannot be determined now · TARGET_AWAY STUCK
 */
export async function reclaim(host: Host, volume: Owned, fence: Registration, disk: ScsiDisk): Promise<void> {
  judge(volume, disk, await readWitnesses(host, volume, disk))
  forgetRegistered(host, volume.name)
  await registerKey(host, disk, fence.key, fence.persists)
  await reserve(host, disk, fence.key)
  await readBack(host, volume, fence, disk)
}

/**
 * Has a session registered before its path is used: by the standard each session is registered separately, and a new login
 * makes a new one. The reservation was seen to be this node's a moment ago.
 * @throws FENCED · TARGET_AWAY OWNER_UNKNOWN STUCK
 */
export async function registerSession(
  host: Host,
  volume: Owned,
  fence: Registration,
  disk: ScsiDisk,
): Promise<void> {
  if (fence.isReleasing || isRegistered(host, volume.name, fence.key, disk.sid)) return
  await registerKey(host, disk, fence.key, fence.persists)
  await readBack(host, volume, fence, disk)
}

/** Continues only if the reservation read back is this node's; otherwise it unregisters its key. */
async function readBack(host: Host, volume: Owned, fence: Registration, disk: ScsiDisk): Promise<void> {
  const told = await readReservations(host, disk)
  const claim = reservationVerdict(told, fence)
  if (claim.kind === 'held') return noteRegistered(host, volume.name, fence.key, disk.sid)
  await unregisterKey(host, disk, fence.key)
  if (claim.kind === 'lost') throw await fenced(host, volume, disk, claim.holder)
  throw new LunkeeperError('OWNER_UNKNOWN', `${volume.name}: the target did not keep the reservation`)
}

/** The error of a node that has lost a volume. It names the new owner if the target tells. */
export async function fenced(
  host: Host,
  { name }: Pick<Owned, 'name'>,
  disk: ScsiDisk,
  holder: ReservationKey,
): Promise<LunkeeperError> {
  const told = await askReservations(host, disk)
  const by = typeof told === 'string' ? null : initiatorOf(told, holder)
  return new LunkeeperError(
    'FENCED',
    `${name}: this node has lost the volume: ${by ?? 'another node'} has it (key ${formatKey(holder)})`,
    { details: { holder: by, key: holder } },
  )
}

/** Like {@link readReservations}, for those that only tell: `none` if the target has none, `silent` if it does not answer. */
export async function askReservations(
  host: Host,
  disk: ScsiDisk,
): Promise<FullReservations | 'none' | 'silent'> {
  try {
    return (await readReservations(host, disk)) ?? 'none'
  } catch (error) {
    if (isLunkeeperError(error)) return 'silent'
    throw error
  }
}
