import { initiatorOf } from '../../host/disk/reservations.ts'
import type { Host } from '../../host/host.ts'
import type { Attachment, OwnerStatus } from '../../model/attachment.ts'
import { reservationVerdict } from '../../model/plan/owner.ts'
import { formatKey } from '../../model/reservation.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { mountAt } from '../../host/read/mounts.ts'
import { hasOneWriter } from '../../model/request.ts'
import { askDisk } from '../proof/ask.ts'
import { askReservations } from '../proof/own-keys.ts'
import { isUsedOn } from '../proof/used-on.ts'
import { isAgentRunning } from '../records/agent-lock.ts'
import { readHoldNote } from '../records/hold-note.ts'
import type { VolumeView } from './volume.ts'
import { disksOf } from './volume.ts'

/**
 * What this node uses to keep other nodes from writing, and whether it may still write. A running agent asks the disks
 * in use every few seconds and records a loss; otherwise the target is asked now.
 */
export async function ownerOf(host: Host, record: Attachment, view: VolumeView): Promise<OwnerStatus> {
  const guard = guardOf(host, record)
  const note = readHoldNote(host, record.name)
  if (note?.kind === 'fenced') return { guard, mine: false, holder: note.holder ?? null }
  if (guard === 'none') return { guard, mine: null, holder: null }
  const disks = disksOf(view).filter(({ state, sg }) => state === 'running' && sg !== null)
  const disk = disks[0]
  const isUsed = () => disks.some((one) => isUsedOn(host, record, one, view.maps))
  // During an outage this is not known until the agent has asked.
  if (!record.fence || !disk || ((note !== null || isUsed()) && (await isAgentRunning(host))))
    return { guard, mine: disk && note === null ? true : null, holder: null }
  return { guard, ...(await ask(host, record, record.fence, disk)) }
}

/** What keeps two nodes from writing: the strongest guard that the volume has. */
export function guardOf(host: Host, record: Attachment): OwnerStatus['guard'] {
  const { fence, publication, request } = record
  const { use } = request
  if (fence) return 'reservation'
  if (!hasOneWriter(request)) return 'none'
  if (publication) return 'kubernetes'
  return use.mount !== null && mountAt(host.paths, use.mount)?.fs === 'ext4' ? 'mark' : 'none'
}

async function ask(
  host: Host,
  { identity }: Attachment,
  fence: NonNullable<Attachment['fence']>,
  disk: ScsiDisk,
): Promise<Pick<OwnerStatus, 'mine' | 'holder'>> {
  const told = await askReservations(host, disk)
  if (typeof told === 'string') return { mine: null, holder: null }
  const claim = reservationVerdict(told, fence)
  if (claim.kind === 'held') return { mine: true, holder: null }
  if (claim.kind !== 'lost') return { mine: null, holder: null }
  // Another volume at this LUN has its own owner.
  if ((await askDisk(host, disk, identity)).verdict !== 'ours') return { mine: null, holder: null }
  return { mine: false, holder: initiatorOf(told, claim.holder) ?? formatKey(claim.holder) }
}
