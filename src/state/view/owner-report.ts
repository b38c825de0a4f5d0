import type { FullReservations } from '../../host/disk/reservations.ts'
import { initiatorOf } from '../../host/disk/reservations.ts'
import type { Host } from '../../host/host.ts'
import { readNodeTag } from '../../host/read/node-tag.ts'
import type { Attachment, OwnerReport } from '../../model/attachment.ts'
import type { ReservationVerdict, Judgement, Witnesses } from '../../model/plan/owner.ts'
import { judgeHeld, judgeUnclaimed, reservationVerdict } from '../../model/plan/owner.ts'
import type { Registrant } from '../../model/reservation.ts'
import { formatKey, isLunkeeperKey, nodeOfKey } from '../../model/reservation.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { readHoldNote } from '../records/hold-note.ts'
import { isRegistered } from '../records/registrations.ts'
import { askDisk } from '../proof/ask.ts'
import { isDisputed } from '../proof/disputed.ts'
import { askReservations } from '../proof/own-keys.ts'
import { readWitnesses } from '../proof/owner-evidence.ts'
import { guardOf } from './owner.ts'
import { disksOf, isUp, lookAtAttachment } from './volume.ts'

/** Asks every source that can report who has a volume, and states the conclusion. Changes nothing. */
export async function ownerReport(host: Host, record: Attachment): Promise<OwnerReport> {
  const view = lookAtAttachment(host, record)
  const disk =
    view.sessions.find(isUp)?.disk ?? disksOf(view).find(({ state }) => state === 'running') ?? null
  const isVolume = disk !== null && (await askDisk(host, disk, record.identity)).verdict === 'ours'
  const told = isVolume ? await askReservations(host, disk) : 'silent'
  const witnesses = isVolume
    ? await readWitnesses(host, record, disk)
    : ({ persists: record.fence?.persists ?? false, kubernetes: 'none', mark: 'unreadable' } as const)
  const reservations = typeof told === 'string' ? null : told
  const claim = record.fence ? reservationVerdict(reservations, record.fence) : null
  const note = readHoldNote(host, record.name)
  const { verdict, why } =
    note?.kind === 'fenced'
      ? { verdict: 'lost' as const, why: note.trouble ?? 'another node has taken it' }
      : judge(
          record,
          told,
          claim,
          witnesses,
          disk !== null && (await isDistrusted(host, record, claim, disk)),
        )
  const holder = reservations?.holder ?? null
  return {
    name: record.name,
    guard: guardOf(host, record),
    mine: verdict === 'own' ? true : verdict === 'lost' ? false : null,
    holder: holder && (initiatorOf(reservations, holder.key) ?? formatKey(holder.key)),
    key: record.fence ? formatKey(record.fence.key) : null,
    registered: registeredOf(host, record, reservations),
    witnesses: {
      reservation: told === 'silent' ? 'silent' : told === 'none' ? 'none' : (claim?.kind ?? 'none'),
      kubernetes: witnesses.kubernetes,
      mark: witnesses.mark,
      record: record.phase,
    },
    verdict,
    why,
  }
}

/** Whether the node would not trust its reservation at present (state/proof/owner.ts). */
async function isDistrusted(
  host: Host,
  { name, fence }: Attachment,
  claim: ReservationVerdict | null,
  disk: ScsiDisk,
): Promise<boolean> {
  if (!fence || claim?.kind !== 'held' || isRegistered(host, name, fence.key, disk.sid)) return false
  return isDisputed(host, { name }, fence, disk, claim.beside !== null)
}

function judge(
  { request, fence }: Attachment,
  told: FullReservations | 'none' | 'silent',
  claim: ReservationVerdict | null,
  witnesses: Witnesses,
  hasContest: boolean,
): Judgement | { readonly verdict: 'unguarded'; readonly why: string } {
  if (request.shared)
    return { verdict: 'unguarded', why: 'it is attached as shared: several nodes may write' }
  if (request.use.readOnly) return { verdict: 'unguarded', why: 'it is read-only: this node writes nothing' }
  if (told === 'silent') return { verdict: 'wait', why: 'the volume does not answer now' }
  if (claim?.kind === 'held' && hasContest) return judgeHeld(witnesses, true)
  if (claim?.kind === 'held') return { verdict: 'own', why: 'the target has reserved it for this node' }
  if (claim?.kind === 'lost')
    return { verdict: 'lost', why: `the target has reserved it for key ${formatKey(claim.holder)}` }
  if (claim?.kind === 'unknown')
    return { verdict: 'wait', why: 'the target does not report which node has reserved it' }
  const isUnguarded = !fence && witnesses.kubernetes === 'none' && witnesses.mark === 'none'
  if (!isUnguarded) return judgeUnclaimed(witnesses)
  return {
    verdict: 'unguarded',
    why: 'the target has no persistent reservations, and no other source shows which node owns it',
  }
}

function registeredOf(
  host: Host,
  { fence }: Attachment,
  told: FullReservations | null,
): OwnerReport['registered'] {
  if (!told) return []
  const tag = readNodeTag(host.paths)
  const all: readonly Registrant[] =
    told.registrants.length > 0
      ? told.registrants
      : told.keys.map((key) => ({ key, isHolder: key === told.holder?.key, initiator: null }))
  return all.map(({ key, initiator }) => ({
    key: formatKey(key),
    initiator,
    by: !isLunkeeperKey(key)
      ? 'other software'
      : key === fence?.key
        ? 'this attachment'
        : nodeOfKey(key) === tag
          ? 'this node'
          : 'another node',
    isHolder: key === told.holder?.key,
  }))
}
