import { initiatorOf } from '../../host/disk/reservations.ts'
import type { Host } from '../../host/host.ts'
import type { Attachment, OwnerStatus } from '../../model/attachment.ts'
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

/** For each question. A healthy target answers within milliseconds, and the other volumes of a list wait for a silent one. */
const OWNER_DEADLINE_MS = 5000

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
  const { verdict, holder } = await askDisk(host, disk, identity, {
    // While a detach releases it, it is this node's until the target has confirmed that.
    fence: { ...fence, isReleasing: false },
    deadlineMs: OWNER_DEADLINE_MS,
  })
  if (verdict === 'ours') return { mine: true, holder: null }
  if (verdict !== 'lost' || holder === undefined) return { mine: null, holder: null }
  const told = await askReservations(host, disk, OWNER_DEADLINE_MS)
  return {
    mine: false,
    holder: (typeof told === 'string' ? null : initiatorOf(told, holder)) ?? formatKey(holder),
  }
}
